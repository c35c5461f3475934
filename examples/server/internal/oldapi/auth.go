package oldapi

import (
	"errors"
	"net/http"
	"regexp"

	"example.com/server/internal/auth"
	"example.com/server/internal/web"
	"github.com/bizy-ai/bizydb/bizydb"
)

func (a *API) authRoutes() []route {
	return []route{
		{pattern: "POST /api/auth/register", status: 201, body: needsBody, do: a.register, public: true},
		{pattern: "POST /api/auth/login", status: 200, body: needsBody, do: a.login, public: true},
		{pattern: "GET /api/auth/profile", status: 200, do: profile},
		{pattern: "POST /api/auth/logout", status: 200, do: a.logout},
		{pattern: "GET /api/auth/verify-token", status: 200, do: verifyToken},
		{pattern: "GET /api/auth/auth-server-health", status: 200, do: authServerHealth, public: true},
	}
}

// authServerRoutes are those of the old auth server, which had an address of its own: see LISTEN. What they have beyond its paths takes the
// tokens of the links in mails.
func (a *API) authServerRoutes() []route {
	const key = "error"
	return []route{
		{pattern: "POST /register", status: 201, body: needsBody, do: a.register, public: true, errorKey: key},
		{pattern: "POST /login", status: 200, body: needsBody, do: a.login, public: true, errorKey: key},
		{pattern: "GET /profile", status: 200, do: profile, errorKey: key},
		{pattern: "POST /password-reset", status: 200, body: needsBody, do: a.requestReset, public: true, errorKey: key},
		{pattern: "POST /password-reset/confirm", status: 200, body: needsBody, do: a.reset, public: true, errorKey: key},
		{pattern: "POST /verify-email", status: 200, body: needsBody, do: a.verifyEmail, public: true, errorKey: key},
	}
}

var usernameForm = regexp.MustCompile(`^[a-zA-Z0-9_]+$`)

func (a *API) register(c *call) (any, error) {
	f := c.secrets()
	username := f.matching("username", required, 3, 50, usernameForm)
	email, password := f.text("email", required, 0, 0), f.text("password", required, 8, 0)
	if err := c.check(); err != nil {
		return nil, err
	}
	user, err := a.users.Register(c.Context(), web.Address(c.Request), bizydb.RegisterParams{
		Username: *username, Email: *email, Password: bizydb.NewPassword(*password),
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{"message": "User registered. Please verify your email address.", "user_id": user.ID}, nil
}

func (a *API) login(c *call) (any, error) {
	f := c.secrets()
	username, password := f.text("username", required, 0, 0), f.text("password", required, 0, 0)
	if err := c.check(); err != nil {
		return nil, err
	}
	user, token, err := a.users.SignIn(c.Context(), web.Address(c.Request), *username, bizydb.NewPassword(*password))
	switch {
	case errors.Is(err, bizydb.ErrInvalidCredentials):
		return nil, fail(http.StatusUnauthorized, "Invalid username or password")
	case errors.Is(err, auth.ErrUnverified):
		return nil, fail(http.StatusUnauthorized, "Please verify your email address")
	case err != nil:
		return nil, err
	}
	return map[string]any{"token": token, "user_id": user.ID, "message": "Login successful"}, nil
}

// profile is read from the database, so that it is the user's of now.
func profile(c *call) (any, error) {
	me, err := c.scope.Me(c.Context())
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"id": me.ID, "username": me.Username, "email": me.Email, "is_admin": me.IsSuperuser, "email_verified": me.IsVerified,
	}, nil
}

func (a *API) logout(c *call) (any, error) {
	if err := a.users.SignOut(c.Context(), c.session); err != nil {
		return nil, err
	}
	return map[string]any{"message": "Logged out successfully", "username": c.session.Username}, nil
}

func verifyToken(c *call) (any, error) {
	me, err := c.scope.Me(c.Context())
	if err != nil {
		return nil, err
	}
	return map[string]any{"valid": true, "user": map[string]any{"id": me.ID, "username": me.Username, "is_admin": me.IsSuperuser}}, nil
}

func authServerHealth(*call) (any, error) {
	return map[string]any{"auth_server": map[string]any{"status": "healthy"}}, nil
}

func (a *API) requestReset(c *call) (any, error) {
	email := c.secrets().text("email", required, 1, 255)
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := a.users.RequestReset(c.Context(), web.Address(c.Request), *email); err != nil {
		return nil, err
	}
	return map[string]any{"message": "If the address has an account, a mail is on its way"}, nil
}

var errLink = fail(http.StatusBadRequest, "Link is invalid or has expired")

func (a *API) reset(c *call) (any, error) {
	f := c.secrets()
	token, password := f.text("token", required, 0, 0), f.text("new_password", required, 8, 0)
	if err := c.check(); err != nil {
		return nil, err
	}
	err := a.users.Reset(c.Context(), *token, bizydb.NewPassword(*password))
	return map[string]any{"message": "Password changed"}, linkError(err)
}

func (a *API) verifyEmail(c *call) (any, error) {
	token := c.secrets().text("token", required, 0, 0)
	if err := c.check(); err != nil {
		return nil, err
	}
	return map[string]any{"message": "Email address verified"}, linkError(a.users.Verify(c.Context(), *token))
}

func linkError(err error) error {
	if auth.IsTokenError(err) {
		return errLink
	}
	return err
}
