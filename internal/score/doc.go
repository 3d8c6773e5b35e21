// Package score measures captions: metrics, confusion matrices and alignments over strings and labels, without graphs.
package score
