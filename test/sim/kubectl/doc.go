// Package kubectl has no code: its tests run kubectl against a simulated API server, and against a
// real one, and compare what it prints with scripts in testdata.
//
// A script is a text: commands, each with what it prints. Those of real servers are recorded:
//
//	go test ./test/sim/kubectl -run TestRealServer -record
//
// Commands run with sh in the folder testdata/files, in a namespace with the name of the script.
package kubectl
