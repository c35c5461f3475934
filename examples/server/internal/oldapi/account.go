package oldapi

import (
	"errors"
	"net/http"

	"github.com/bizy-ai/bizydb/bizydb"
)

// accountRoutes are those that the front end calls and the old API lacked.
func (a *API) accountRoutes() []route {
	const key = "error"
	return []route{
		{pattern: "GET /api/users/me", status: 200, do: me, errorKey: key},
		{pattern: "DELETE /api/users/me", status: 204, do: a.deleteMe, errorKey: key},
		{pattern: "POST /api/users/change-password", status: 200, body: needsBody, do: a.changePassword, errorKey: key},
	}
}

func me(c *call) (any, error) {
	me, err := c.scope.Me(c.Context())
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"id": me.ID, "username": me.Username, "email": me.Email, "is_active": me.IsActive, "is_verified": me.IsVerified, "created_at": stamp(me.CreatedAt),
	}, nil
}

func (a *API) deleteMe(c *call) (any, error) {
	if err := a.users.Recheck(c.Context(), c.session); err != nil { // an account that is not active stays
		return nil, err
	}
	_, err := a.db.Accounts().Delete(c.Context(), c.session.UserID)
	return nil, err
}

func (a *API) changePassword(c *call) (any, error) {
	f := c.secrets()
	old, password := f.text("current_password", required, 0, 0), f.text("new_password", required, 8, 0)
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := a.users.Recheck(c.Context(), c.session); err != nil {
		return nil, err
	}
	err := a.users.ChangePassword(c.Context(), c.session.UserID, bizydb.NewPassword(*old), bizydb.NewPassword(*password))
	if errors.Is(err, bizydb.ErrInvalidCredentials) {
		return nil, fail(http.StatusBadRequest, "Current password is wrong") // a 401 would sign the user out
	}
	return map[string]any{"message": "Password changed"}, err
}
