package accountsql

// FindCredentialsSQL is what a sign-in runs, for the test that looks at its query plan.
const FindCredentialsSQL = findCredentials
