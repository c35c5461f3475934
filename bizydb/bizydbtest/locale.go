package bizydbtest

import "testing"

// locales are the kinds of locale that a database can have, in options of CREATE DATABASE. Turkish is where I and i are no pair.
var locales = map[string]string{
	"C":         `ENCODING 'UTF8' LOCALE 'C'`,
	"C.UTF-8":   `ENCODING 'UTF8' LOCALE 'C.UTF-8'`,
	"ICU root":  `ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'und'`,
	"ICU tr-TR": `ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR'`,
}

// EachLocale runs test in parallel in databases of the locales C, C.UTF-8, ICU's root and Turkish. It shows that the results do
// not depend on the locale of the database.
func EachLocale(t *testing.T, test func(t *testing.T, db *Database), opts ...Option) {
	t.Helper()
	for name, locale := range locales {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, New(t, append([]Option{withLocale(locale)}, opts...)...))
		})
	}
}
