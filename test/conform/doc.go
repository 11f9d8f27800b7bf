// Package conform compares API servers by what a client sees.
//
// A [Script] is a text file: raw requests and watches, each followed by the answer
// that a real control plane gave. [Script.Run] sends them to any server that a
// *rest.Config leads to, and returns the same script with the answers of that
// server. [Script.Differences] lists where two runs do not agree.
//
//	# A PUT that changes nothing writes nothing.
//	POST $widgets as=w
//	  {$Widget,"metadata":{"name":"a"},"spec":{"size":1}}
//	< 201 Widget $ns/a: uid1 rv1 generation 1
//	<   spec {"size":1}
//
//	PUT $widgets/a
//	  $w.object
//	< 200 Widget $ns/a: uid1 rv1 generation 1
//	<   spec {"size":1}
//
// Answers are normalised, so that they are the same in every run of a server: uids
// and resource versions become numbers in the order of their appearance, times
// become present or absent. The README says how a script is written.
package conform
