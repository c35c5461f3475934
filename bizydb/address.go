package bizydb

import (
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"github.com/bizy-ai/bizydb/bizydb/internal/text"
)

// cleanEmail returns an address as it is stored: trimmed, in NFC, its domain in ASCII. It takes a bare address, without a name,
// comments and quotes.
func cleanEmail(email string) (string, error) {
	switch {
	case !utf8.ValidString(email):
		return "", refusedBy("ck_users_email_form")
	case len(email) > norm.MaxSegmentSize*maxEmail: // too long in any form, and not worth a look
		return "", refusedBy("ck_users_email_length")
	}
	email = norm.NFC.String(strings.TrimSpace(email))
	at := strings.LastIndexByte(email, '@') + 1
	if strings.ContainsFunc(email[:at], invisible) || strings.ContainsFunc(email[at:], invisibleInDomain) {
		return "", refusedBy("ck_users_email_visible")
	}
	domain, err := domains.ToASCII(email[at:])
	if err != nil {
		return "", refusedBy("ck_users_email_form")
	}
	if !ascii(email[at:]) {
		email = email[:at] + domain
	}
	switch address, err := mail.ParseAddress(email); {
	case err != nil || address.Address != email || !emailForm.MatchString(email):
		return "", refusedBy("ck_users_email_form")
	case utf8.RuneCountInString(email) > maxEmail:
		return "", refusedBy("ck_users_email_length")
	}
	return email, nil
}

// domains is UTS #46 as browsers and mail programs apply it to typed domains.
var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.CheckJoiners(true), idna.StrictDomainName(true), idna.VerifyDNSLength(true), idna.Transitional(false))

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// invisible says whether an address cannot contain r: white space, characters that bizydb.visible drops, and unassigned characters.
func invisible(r rune) bool {
	return !unicode.IsPrint(r) || r == ' ' || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// invisibleInDomain allows the two joiners, which some scripts write domains with; UTS #46 says where.
func invisibleInDomain(r rune) bool { return invisible(r) && r != '\u200c' && r != '\u200d' }

// cleanLogin returns a login in the form of the look-up, and false for a login that no account can have, to save the query.
func cleanLogin(login string) (string, bool) {
	if strings.Contains(login, "@") {
		if email, err := cleanEmail(login); err == nil {
			return email, true
		}
	}
	login = strings.TrimSpace(login)
	return login, text.Broken(login) == "" && utf8.RuneCountInString(login) <= maxEmail
}

// checkNames checks the names before the database does, so that a refused name does not cost a hash.
func checkNames(username, fullName *string) error {
	switch {
	case username != nil && utf8.RuneCountInString(*username) > maxUsername:
		return refusedBy("ck_users_username_length")
	case username != nil && !usernameForm.MatchString(*username):
		return refusedBy("ck_users_username_form")
	case fullName != nil && text.Broken(*fullName) != "":
		return refused("full_name", text.Broken(*fullName))
	case fullName != nil && utf8.RuneCountInString(*fullName) > maxFullName:
		return refusedBy("ck_users_full_name_length")
	case fullName != nil && fullNameLine.MatchString(*fullName):
		return refusedBy("ck_users_full_name_line")
	default:
		return nil
	}
}

// The bounds of the columns, in characters. A test compares them and the forms with the constraints.
const (
	maxEmail    = 255
	maxUsername = 100
	maxFullName = 200
)

var (
	emailForm    = regexp.MustCompile(`^[^]["(),:;<>@\\]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$`)
	usernameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	fullNameLine = regexp.MustCompile(`[\x{1}-\x{1f}\x{7f}-\x{9f}\x{2028}\x{2029}]`)
)

func trimmed(s *string) *string {
	if s == nil {
		return nil
	}
	return new(strings.TrimSpace(*s))
}
