package api

import "time"

// LookupRequest asks for single entries.
type LookupRequest struct {
	Map MapRef `json:"map"`
	// Keys are as in Edit. Those of a bloom filter are values that may be in it; a
	// queue or a stack takes none and shows the entry that comes next.
	Keys []string `json:"keys,omitempty"`
}

// StatsRequest asks for figures of a map's entries, or of those that Where selects.
type StatsRequest struct {
	Map   MapRef `json:"map"`
	Where string `json:"where,omitempty"`
}

// MapStats are figures of a map, from one pass over it.
type MapStats struct {
	Map        Map           `json:"map"`
	Entries    int           `json:"entries"` // that match
	Scanned    int           `json:"scanned"`
	Incomplete bool          `json:"incomplete,omitempty"` // as in Page
	Method     string        `json:"method"`               // as in Page
	Took       time.Duration `json:"took_ns"`
	Fields     []FieldStats  `json:"fields"` // the numbers in the value, sums of all CPUs
	Buffer     *BufferStats  `json:"buffer,omitempty"`
}

// FieldStats are figures of one number in the value.
type FieldStats struct {
	Name string  `json:"name"`
	Min  float64 `json:"min"`
	Max  float64 `json:"max"`
	Sum  float64 `json:"sum"`
	Mean float64 `json:"mean"`
}

// BufferStats tell how full a ring buffer is.
type BufferStats struct {
	Bytes    uint64 `json:"bytes"`
	Waiting  uint64 `json:"bytes_waiting"`
	Consumer uint64 `json:"consumer_position"` // bytes since the beginning
	Producer uint64 `json:"producer_position"`
}
