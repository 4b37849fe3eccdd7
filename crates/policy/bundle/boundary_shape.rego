# The shape of the boundary gate's input.

package proofhouse.boundary

import rego.v1

import data.proofhouse.shape

malformed contains "input.schema" if not input.schema == "proofhouse.boundary/v1"

malformed contains path if {
	some path in shape.problems(input, "input", {
		"request": "record",
		"act": "record",
		"context": "record",
		"arguments": "list",
		"builtin": "record",
		"approval": "record",
	})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "request"), "request", {"now_ns": "count", "environment": "name"})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "act"), "act", {
		"kind": "act",
		"tool": "text",
		"declared": "flag",
		"effects": "list",
		"outbound": "flag",
		"digest": "digest",
	})
}

malformed contains path if {
	effects := shape.list(shape.part(input, "act"), "effects")
	some path in shape.element_problems(effects, "act.effects", "effect")
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "context"), "context", {
		"digest": "digest",
		"exposed": "flag",
		"exposed_by": "list",
		"private": "flag",
		"private_by": "list",
		"labels": "list",
	})
}

malformed contains path if {
	some key in ["exposed_by", "private_by"]
	steps := shape.list(shape.part(input, "context"), key)
	some path in shape.list_problems(steps, concat(".", ["context", key]), step)
}

malformed contains path if {
	labels := shape.list(shape.part(input, "context"), "labels")
	some path in shape.list_problems(labels, "context.labels", {
		"origin": "name",
		"name": "text",
		"trust": "trust",
		"secrecy": "secrecy",
		"segments": "count",
	})
}

malformed contains path if {
	some path in shape.list_problems(shape.list(input, "arguments"), "arguments", {
		"argument": "name",
		"declared": "flag",
		"reads": "name",
		"known": "flag",
		"sources": "list",
		"trusted": "flag",
		"untrusted": "flag",
		"private": "flag",
	})
}

malformed contains path if {
	some index, argument in shape.list(input, "arguments")
	at := concat(".", ["arguments", format_int(index, 10), "sources"])
	some path in shape.list_problems(shape.list(argument, "sources"), at, step)
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "builtin"), "builtin", {
		"verdict": "answer",
		"reasons": "list",
	})
}

malformed contains path if {
	reasons := shape.list(shape.part(input, "builtin"), "reasons")
	some path in shape.list_problems(reasons, "builtin.reasons", {
		"code": "name",
		"verdict": "answer",
		"message": "name",
		"argument": "text",
		"path": "list",
	})
}

malformed contains path if {
	some index, r in shape.list(shape.part(input, "builtin"), "reasons")
	at := concat(".", ["builtin.reasons", format_int(index, 10), "path"])
	some path in shape.list_problems(shape.list(r, "path"), at, step)
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "approval"), "approval", {
		"present": "flag",
		"by": "text",
		"expires_ns": "count",
	})
}

# A place in the conversation with its label.
step := {
	"place": "place",
	"message": "count",
	"segment": "count",
	"origin": "name",
	"name": "text",
	"trust": "trust",
	"secrecy": "secrecy",
}
