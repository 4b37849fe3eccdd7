package proofhouse.shape

import rego.v1

sample := {
	"text": "",
	"name": "n",
	"digest": "sha256:0000000000000000000000000000000000000000000000000000000000000000",
	"none": "",
	"flag": false,
	"number": -1.5,
	"count": 3,
	"share": 0.95,
	"severity": "low",
	"verdict": "pass",
	"list": [],
	"record": {},
}

test_right_kinds_are_no_problem if {
	problems(sample, "s", {
		"text": "text",
		"name": "name",
		"digest": "digest",
		"none": "digest or none",
		"flag": "flag",
		"number": "number",
		"count": "count",
		"share": "share",
		"severity": "severity",
		"verdict": "verdict",
		"list": "list",
		"record": "record",
	}) == set()
	problems(sample, "s", {"digest": "digest or none"}) == set()
}

test_absent_is_a_problem if problems(sample, "s", {"no": "text"}) == {"s.no"}

test_nothing_is_a_problem if problems(null, "s", {"no": "text"}) == {"s.no"}

test_unknown_kind_is_a_problem if problems(sample, "s", {"text": "no such kind"}) == {"s.text"}

test_blank_is_no_name if problems({"n": " "}, "s", {"n": "name"}) == {"s.n"}

test_other_spelling_is_no_digest if {
	not is_digest("SHA256:0000000000000000000000000000000000000000000000000000000000000000")
	not is_digest("sha256:00")
	not is_digest("sha256:0000000000000000000000000000000000000000000000000000000000000000\n")
}

test_fraction_is_no_count if {
	problems({"n": 1.5}, "s", {"n": "count"}) == {"s.n"}
	problems({"n": -1}, "s", {"n": "count"}) == {"s.n"}
}

test_certainty_is_no_share if {
	problems({"n": 1}, "s", {"n": "share"}) == {"s.n"}
	problems({"n": 0}, "s", {"n": "share"}) == {"s.n"}
}

test_elements if {
	element_problems(["a", "", 3], "s", "name") == {"s.1", "s.2"}
	list_problems([{"a": "x"}, {}, 7], "s", {"a": "name"}) == {"s.1.a", "s.2.a"}
}

test_parts if {
	part({"a": {"b": 1}}, "a") == {"b": 1}
	part({"a": []}, "a") == {}
	part({}, "a") == {}
	list({"a": [1]}, "a") == [1]
	list({"a": {}}, "a") == []
	list({}, "a") == []
}

test_words_of_the_boundary if {
	words := {"a": "call", "v": "deny", "e": "pay", "p": "earlier", "t": "principal", "s": "private"}
	kinds := {"a": "act", "v": "answer", "e": "effect", "p": "place", "t": "trust", "s": "secrecy"}
	problems(words, "s", kinds) == set()
	problems({k: "other" | some k, _ in words}, "s", kinds) == {"s.a", "s.v", "s.e", "s.p", "s.t", "s.s"}
}
