# METADATA
# title: The shape of an input
# description: >-
#   Undefined is how Rego says nothing, and a rule over an absent key says nothing. So every gate first
#   asks here for each key it is going to read: a key that is absent, null or of another type is a problem.
package proofhouse.shape

import rego.v1

# The member `key` of `object` is there and of that kind.
has(object, key, "text") if is_string(object[key])

has(object, key, "name") if {
	is_string(object[key])
	trim_space(object[key]) != ""
}

has(object, key, "digest") if is_digest(object[key])

# A digest, or the empty text where the thing it would name is absent.
has(object, key, "digest or none") if object[key] == ""

has(object, key, "digest or none") if is_digest(object[key])

has(object, key, "flag") if is_boolean(object[key])

has(object, key, "number") if is_number(object[key])

# Engines agree on whole numbers up to 63 bits and not on all beyond.
has(object, key, "count") if {
	is_number(object[key])
	object[key] >= 0
	object[key] <= 9223372036854775807
	floor(object[key]) == object[key]
}

# A share strictly inside 0 and 1, such as a confidence that was asked for.
has(object, key, "share") if {
	is_number(object[key])
	object[key] > 0
	object[key] < 1
}

has(object, key, "severity") if object[key] in {"info", "low", "medium", "high", "critical"}

has(object, key, "verdict") if object[key] in {"pass", "unknown", "fail"}

# Words of the boundary gate.
has(object, key, "act") if object[key] in {"call", "answer"}

has(object, key, "answer") if object[key] in {"allow", "needs-approval", "deny"}

has(object, key, "effect") if object[key] in {"read", "write", "send", "pay"}

has(object, key, "place") if object[key] in {"message", "description", "earlier"}

has(object, key, "trust") if object[key] in {"untrusted", "principal", "trusted"}

has(object, key, "secrecy") if object[key] in {"public", "private"}

has(object, key, "list") if is_array(object[key])

has(object, key, "record") if is_object(object[key])

is_digest(value) if {
	is_string(value)
	regex.match(`^sha256:[0-9a-f]{64}$`, value)
}

# Paths of the members that `fields` asks of `object` and that are not there as asked.
problems(object, path, fields) := {problem |
	some key, kind in fields
	not has(object, key, kind)
	problem := concat(".", [path, key])
}

# Paths of the elements of a list of texts that are not of that kind.
element_problems(elements, path, kind) := {problem |
	some index, _ in elements
	not has(elements, index, kind)
	problem := concat(".", [path, format_int(index, 10)])
}

# As `problems`, for each element of a list of records.
list_problems(elements, path, fields) := {problem |
	some index, element in elements
	some problem in problems(element, concat(".", [path, format_int(index, 10)]), fields)
}

# The record under `key`, or an empty one: what is missing from it then shows as missing.
part(object, key) := object[key] if is_object(object[key])

else := {}

# The list under `key`, or an empty one.
list(object, key) := object[key] if is_array(object[key])

else := []
