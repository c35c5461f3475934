package executor

// A Handle gives the packages of this module, and nobody else, the session of an exported type. The type embeds it under an
// unexported name, and so has its unexported method, which [Of] calls.
type Handle struct{ session *Session }

// NewHandle returns a Handle to a session.
func NewHandle(s *Session) Handle { return Handle{s} }

func (h Handle) handle() *Session { return h.session }

// A Holder is a type that embeds a [Handle].
type Holder interface{ handle() *Session }

// Of returns the session of h.
func Of(h Holder) *Session { return h.handle() }
