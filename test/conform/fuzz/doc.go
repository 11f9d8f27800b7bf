// Package fuzz makes random scripts for package conform, and compares two API servers by what
// they answer.
//
// A [Sequence] is made of a seed and a number, and is the same whenever it is made. [Pair.Compare]
// runs it on both servers. What they do not agree on is a [Divergence], which [Pair.Shrink]
// makes as small as it can: a script that can be recorded, and kept.
package fuzz
