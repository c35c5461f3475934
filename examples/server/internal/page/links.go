package page

import (
	"errors"
	"net/http"

	"example.com/server/internal/auth"
	"example.com/server/internal/web"
	"github.com/bizy-ai/bizydb/bizydb"
)

// A linkForm is the page that a link in a mail leads to. To open it changes nothing; its button does.
type linkForm struct{ Title, Action, Button, Token, Problem, Done string }

func verifyForm(token string) linkForm {
	return linkForm{Title: "Verify your address", Action: auth.VerifyPath, Button: "Verify", Token: token}
}

func resetForm(token string) linkForm {
	return linkForm{Title: "Set another password", Action: auth.ResetPath, Button: "Set the password", Token: token}
}

// NeedsPassword reports whether the form asks for a password.
func (f linkForm) NeedsPassword() bool { return f.Action == auth.ResetPath }

func (s *Site) showLink(form func(token string) linkForm) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.render(w, r, http.StatusOK, "link.html", form(r.URL.Query().Get("token")))
	})
}

func (s *Site) verify(w http.ResponseWriter, r *http.Request) {
	form := verifyForm(r.PostForm.Get("token"))
	err := s.users.Admit(web.Address(r))
	if err == nil {
		err = s.users.Verify(r.Context(), form.Token)
	}
	form.Done = "Your address is verified."
	s.endLink(w, r, form, err)
}

func (s *Site) reset(w http.ResponseWriter, r *http.Request) {
	form := resetForm(r.PostForm.Get("token"))
	err := s.users.Admit(web.Address(r))
	if err == nil {
		err = s.users.Reset(r.Context(), form.Token, bizydb.NewPassword(r.PostForm.Get("password")))
	}
	form.Done = "Your password is set."
	s.endLink(w, r, form, err)
}

const forgotPath = "/app/forgot-password"

// A forgotForm asks for a mail with a link to set another password.
type forgotForm struct {
	Email, Problem string
	Done           bool
}

func (s *Site) showForgot(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, "forgot.html", forgotForm{})
}

func (s *Site) forgot(w http.ResponseWriter, r *http.Request) {
	form, status := forgotForm{Email: r.PostForm.Get("email")}, http.StatusOK
	err := s.users.Admit(web.Address(r))
	if err == nil {
		err = s.users.RequestReset(r.Context(), web.Address(r), form.Email)
	}
	switch {
	case err == nil:
		form.Done = true
	case errors.Is(err, bizydb.ErrInvalid):
		status, form.Problem = http.StatusUnprocessableEntity, "This is not an email address."
	case errors.Is(err, auth.ErrTooMany):
		status, form.Problem = http.StatusTooManyRequests, tooMany(w, err)
	default:
		s.fail(w, r, err)
		return
	}
	s.render(w, r, status, "forgot.html", form)
}

// endLink shows what became of a form.
func (s *Site) endLink(w http.ResponseWriter, r *http.Request, form linkForm, err error) {
	var field *bizydb.FieldError
	status := http.StatusOK
	switch {
	case err == nil:
	case errors.As(err, &field) && field.Column == "password":
		status, form.Problem = http.StatusUnprocessableEntity, "The password "+field.Reason+"."
	case auth.IsTokenError(err):
		status, form.Problem, form.Token = http.StatusBadRequest, "This link is invalid or has expired. Please ask for another mail.", ""
	case errors.Is(err, auth.ErrTooMany):
		status, form.Problem = http.StatusTooManyRequests, tooMany(w, err)
	default:
		s.fail(w, r, err)
		return
	}
	if form.Problem != "" {
		form.Done = ""
	}
	s.render(w, r, status, "link.html", form)
}

// tooMany says when to try again.
func tooMany(w http.ResponseWriter, err error) string {
	seconds := auth.RetryAfter(err)
	w.Header().Set("Retry-After", seconds)
	if seconds == "1" {
		return "Too many attempts. Please try again in a second."
	}
	return "Too many attempts. Please try again in " + seconds + " seconds."
}
