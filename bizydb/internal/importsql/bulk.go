package importsql

// An import's statement writes so many rows, or fewer if they have so many bytes of text.
const (
	ChunkRows  = 5000
	ChunkBytes = 4 << 20
)

// MaxLevels is how many levels of goals the database takes.
const MaxLevels = 100

// Numbers returns ids as numbers.
func Numbers[ID ~int64](ids []ID, err error) ([]int64, error) {
	numbers := make([]int64, len(ids))
	for k, id := range ids {
		numbers[k] = int64(id)
	}
	return numbers, err
}
