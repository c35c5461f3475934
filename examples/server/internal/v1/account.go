package v1

import (
	"context"
	"errors"

	"github.com/danielgtaylor/huma/v2"

	"example.com/server/internal/auth"
	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A SignUp is who wants an account.
type SignUp struct {
	Username string          `json:"username" minLength:"1" maxLength:"100" doc:"ASCII letters, digits, dots, underscores and hyphens."`
	Email    string          `json:"email" minLength:"1" maxLength:"255" format:"email"`
	Password bizydb.Password `json:"password" format:"password" doc:"8 characters to 72 bytes."`
	FullName *string         `json:"full_name" required:"false" maxLength:"200"`
}

// A SignIn is who wants a token.
type SignIn struct {
	Login    string          `json:"login" doc:"Username or email address."`
	Password bizydb.Password `json:"password" format:"password"`
}

// A Session is who is signed in.
type Session struct {
	Token string      `json:"token" doc:"To send as Authorization: Bearer."`
	User  bizydb.User `json:"user"`
}

// A PasswordChange is what the owner of an account knows and wants.
type PasswordChange struct {
	Current bizydb.Password `json:"current_password" format:"password"`
	New     bizydb.Password `json:"new_password" format:"password" doc:"8 characters to 72 bytes."`
}

// A Verification is what the link of a sign-up's mail has.
type Verification struct {
	Token string `json:"token" minLength:"1" doc:"From the link in the mail."`
}

// A ResetRequest is who has forgotten a password.
type ResetRequest struct {
	Email string `json:"email" minLength:"1" maxLength:"255" format:"email"`
}

// A Reset is what the link of a mail has, and another password.
type Reset struct {
	Token string          `json:"token" minLength:"1" doc:"From the link in the mail."`
	New   bizydb.Password `json:"new_password" format:"password" doc:"8 characters to 72 bytes."`
}

// Problems are all types of problems.
type Problems struct {
	Problems []problemType `json:"problems"`
}

func accountOperations(a *API) {
	const tag = "account"

	register(a, "POST /users", tag, "sign-up", "Sign up", func(ctx context.Context, who *caller, in *Answer[SignUp]) (*Answer[bizydb.User], error) {
		return answer(a.users.Register(ctx, who.address, bizydb.RegisterParams{
			Email: in.Body.Email, Username: in.Body.Username, Password: in.Body.Password, FullName: in.Body.FullName,
		}))
	}, public, created, describedAs("A mail with a link to verify the address follows."))
	register(a, "POST /users/verify-email", tag, "verify-email", "Verify an email address", func(ctx context.Context, _ *caller, in *Answer[Verification]) (*Nothing, error) {
		return nil, linkError(a.users.Verify(ctx, in.Body.Token))
	}, public, describedAs("By the token of the link that a sign-up's mail has. It is idempotent."))
	register(a, "POST /password-resets", tag, "request-password-reset", "Ask for another password", func(ctx context.Context, who *caller, in *Answer[ResetRequest]) (*Nothing, error) {
		return nil, a.users.RequestReset(ctx, who.address, in.Body.Email)
	}, public, accepted, describedAs("A mail with a link follows if the address has an account. The answer does not tell whether it has."))
	register(a, "POST /password-resets/confirm", tag, "reset-password", "Set another password by a link", func(ctx context.Context, _ *caller, in *Answer[Reset]) (*Nothing, error) {
		return nil, linkError(a.users.Reset(ctx, in.Body.Token, in.Body.New))
	}, public, describedAs("By the token of the link in the mail, once. All tokens of the user end."))

	register(a, "POST /sessions", tag, "sign-in", "Sign in", func(ctx context.Context, who *caller, in *Answer[SignIn]) (*Answer[Session], error) {
		user, token, err := a.users.SignIn(ctx, who.address, in.Body.Login, in.Body.Password)
		return answer(Session{token, user}, err)
	}, public, created, describedAs("After five wrong passwords the account is locked for a quarter of an hour."))

	register(a, "DELETE /sessions/current", tag, "sign-out", "Sign out", func(ctx context.Context, me *caller, _ *Nothing) (*Nothing, error) {
		return nil, a.users.SignOut(ctx, me.session)
	}, describedAs("The token ends."))

	register(a, "GET /me", tag, "get-me", "Get the account", func(ctx context.Context, me *caller, _ *Nothing) (*Answer[planner.User], error) {
		return answer(me.Me(ctx))
	})
	register(a, "PATCH /me", tag, "update-me", "Change the profile", func(ctx context.Context, me *caller, in *Answer[Patch[ProfileFields, planner.UpdateMeParams]]) (*Answer[planner.User], error) {
		return answer(me.UpdateMe(ctx, in.Body.params))
	}, describedAs("Fields that are sent change, and null clears."))
	register(a, "PUT /me/password", tag, "change-password", "Change the password", func(ctx context.Context, me *caller, in *Answer[PasswordChange]) (*Nothing, error) {
		if err := a.users.Recheck(ctx, me.session); err != nil {
			return nil, err
		}
		err := a.users.ChangePassword(ctx, me.session.UserID, in.Body.Current, in.Body.New)
		if errors.Is(err, bizydb.ErrInvalidCredentials) { // who sent it is signed in
			err = errWrongPassword
		}
		return nil, err
	}, describedAs("All tokens of the user end, the one that is sent too: sign in again."))
	register(a, "DELETE /me", tag, "delete-me", "Delete the account with all goals and tasks", func(ctx context.Context, me *caller, _ *Nothing) (*Nothing, error) {
		if err := a.users.Recheck(ctx, me.session); err != nil {
			return nil, err
		}
		_, err := a.db.Accounts().Delete(ctx, me.session.UserID)
		return nil, err
	}, describedAs("At once and for good: export the data before."))
	register(a, "GET /export", tag, "export", "Download all goals and tasks", a.export, exported)

	register(a, "GET /problems", tag, "list-problems", "List the types of problems", func(context.Context, *caller, *Nothing) (*Answer[Problems], error) {
		return answer(Problems{problemTypes}, nil)
	}, public)
}

// linkError is the error of a link in a mail: its token is none of a session.
func linkError(err error) error {
	if auth.IsTokenError(err) {
		return errLink
	}
	return err
}

// exported documents the answer of export, whose type says only that it is streamed.
func exported(operation *huma.Operation) {
	operation.Description = "As a file of JSON, in the format of bizydb's package userdata, which reads it back in."
	operation.Responses = map[string]*huma.Response{"200": {
		Description: "A file", Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: "object", AdditionalProperties: true}}},
	}}
}
