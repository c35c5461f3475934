package bizydb

// A rule describes a named constraint of schema/.
type rule struct {
	table, column string
	reason        string
	kind          error
}

// rules has every constraint and unique index that a caller's value can break. A test compares it with the schema.
var rules = map[string]rule{
	"ck_users_email_length":           {"users", "email", "must have at most 255 characters", ErrInvalid},
	"ck_users_email_domain":           {"users", "email", "must have its domain in ASCII", ErrInvalid},
	"ck_users_email_form":             {"users", "email", "must be an email address", ErrInvalid},
	"ck_users_email_nfc":              {"users", "email", "must be in NFC", ErrInvalid},
	"ck_users_email_visible":          {"users", "email", "must not have white space or invisible characters", ErrInvalid},
	"ck_users_username_form":          {"users", "username", `must be letters and digits of ASCII, ".", "_" and "-", beginning with a letter or digit`, ErrInvalid},
	"ck_users_username_length":        {"users", "username", "must have at most 100 characters", ErrInvalid},
	"ck_users_full_name_length":       {"users", "full_name", "must have at most 200 characters", ErrInvalid},
	"ck_users_full_name_line":         {"users", "full_name", "must not have control characters or line breaks", ErrInvalid},
	"ck_users_hashed_password_bcrypt": {"users", "hashed_password", "must be a bcrypt hash", ErrInvalid},
	"ix_users_email":                  {"users", "email", "is taken", ErrEmailTaken},
	"ix_users_username":               {"users", "username", "is taken", ErrUsernameTaken},

	"ck_goals_title_length":          {"goals", "title", "must have at most 500 characters", ErrInvalid},
	"ck_goals_title_not_blank":       {"goals", "title", "must not be blank", ErrInvalid},
	"ck_goals_horizon":               {"goals", "horizon", "must be yearly, quarterly, monthly or weekly", ErrInvalid},
	"ck_goals_status":                {"goals", "status", "must be active, completed, on_hold or cancelled", ErrInvalid},
	"ck_goals_progress_percentage":   {"goals", "progress_percentage", "must be from 0 to 100", ErrInvalid},
	"ck_goals_metrics_object":        {"goals", "metrics", "must be a JSON object", ErrInvalid},
	"ck_goals_no_cycle":              {"goals", "parent_goal_id", "must not be the goal itself or one below it", ErrGoalCycle},
	"ck_goals_description_size":      {"goals", "description", "must have at most 1,000,000 bytes", ErrInvalid},
	"ck_goals_success_criteria_size": {"goals", "success_criteria", "must have at most 1,000,000 bytes", ErrInvalid},
	"ck_goals_metrics_size":          {"goals", "metrics", "must have at most 1,000,000 bytes as JSON", ErrInvalid},
	"ck_goals_target_date":           {"goals", "target_date", "must be in the years 1 to 9999", ErrInvalid},
	"ck_goals_created_at":            {"goals", "created_at", "must be in the years 1 to 9999", ErrInvalid},
	"ck_goals_updated_at":            {"goals", "updated_at", "must be in the years 1 to 9999", ErrInvalid},
	"ck_goals_completed_at":          {"goals", "completed_at", "must be in the years 1 to 9999", ErrInvalid},
	"ck_goals_depth":                 {"goals", "parent_goal_id", "must not make more than 100 levels of goals", ErrInvalid},
	"ck_goals_version":               {"goals", "version", "must be the current one", ErrVersionConflict},
	"fk_goals_parent_goal":           {"goals", "parent_goal_id", "must be an existing goal", ErrUnknownReference},
	"fk_goals_user":                  {"goals", "user_id", "must be an existing user", ErrNoUser},

	"ck_tasks_title_length":        {"tasks", "title", "must have at most 500 characters", ErrInvalid},
	"ck_tasks_title_not_blank":     {"tasks", "title", "must not be blank", ErrInvalid},
	"ck_tasks_priority":            {"tasks", "priority", "must be from 1 (highest) to 5 (lowest)", ErrInvalid},
	"ck_tasks_status":              {"tasks", "status", "must be pending, in_progress, completed or blocked", ErrInvalid},
	"ck_tasks_category_length":     {"tasks", "category", "must have at most 100 characters", ErrInvalid},
	"ck_tasks_dependencies_ids":    {"tasks", "dependencies", "must be ids of tasks", ErrInvalid},
	"ck_tasks_no_dependency_cycle": {"tasks", "dependencies", "must not be the task itself or one that depends on it", ErrDependencyCycle},
	"fk_tasks_dependencies":        {"tasks", "dependencies", "must be existing tasks", ErrUnknownReference},
	"ck_tasks_tags_strings":        {"tasks", "tags", "must be strings", ErrInvalid},
	"ck_tasks_description_size":    {"tasks", "description", "must have at most 1,000,000 bytes", ErrInvalid},
	"ck_tasks_blocked_reason_size": {"tasks", "blocked_reason", "must have at most 1,000,000 bytes", ErrInvalid},
	"ck_tasks_notes_size":          {"tasks", "notes", "must have at most 1,000,000 bytes", ErrInvalid},
	"ck_tasks_estimated_hours":     {"tasks", "estimated_hours", "must be from 0 to 1,000,000", ErrInvalid},
	"ck_tasks_actual_hours":        {"tasks", "actual_hours", "must be from 0 to 1,000,000", ErrInvalid},
	"ck_tasks_due_date":            {"tasks", "due_date", "must be in the years 1 to 9999", ErrInvalid},
	"ck_tasks_due_all_day":         {"tasks", "due_date", "must be midnight UTC of the day if due_all_day is set", ErrInvalid},
	"ck_tasks_created_at":          {"tasks", "created_at", "must be in the years 1 to 9999", ErrInvalid},
	"ck_tasks_updated_at":          {"tasks", "updated_at", "must be in the years 1 to 9999", ErrInvalid},
	"ck_tasks_completed_at":        {"tasks", "completed_at", "must be in the years 1 to 9999", ErrInvalid},
	"ck_tasks_tags_count":          {"tasks", "tags", "must be at most 100", ErrInvalid},
	"ck_tasks_tags_length":         {"tasks", "tags", "must have at most 250 characters each", ErrInvalid},
	"ck_tasks_version":             {"tasks", "version", "must be the current one", ErrVersionConflict},
	"fk_tasks_parent_goal":         {"tasks", "parent_goal_id", "must be an existing goal", ErrUnknownReference},
	"fk_tasks_user":                {"tasks", "user_id", "must be an existing user", ErrNoUser},
}
