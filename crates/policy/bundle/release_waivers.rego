# Waivers of the release gate: one holds back one reason about one subject. Two different people stand for
# it, it ends within 90 days, and it cannot hold back a reason that is not waivable. Its use is part of the
# decision.

package proofhouse.release

import rego.v1

day_ns := 86400000000000

longest_waiver_ns := 90 * day_ns

waiver_problems contains {"waiver": w, "code": "waiver/expired", "msg": "the waiver has expired"} if {
	some w in input.waivers
	w.expires_ns <= input.request.now_ns
}

waiver_problems contains {"waiver": w, "code": "waiver/self-approved", "msg": "owner and approver are the same person"} if {
	some w in input.waivers
	lower(trim_space(w.owner)) == lower(trim_space(w.approved_by))
}

waiver_problems contains {"waiver": w, "code": "waiver/too-long", "msg": "the waiver runs more than 90 days ahead"} if {
	some w in input.waivers
	w.expires_ns - input.request.now_ns > longest_waiver_ns
}

faulty_waivers := {problem.waiver | some problem in waiver_problems}

live_waivers contains w if {
	some w in input.waivers
	not w in faulty_waivers
}

waivers_of(v) := {w |
	v.waivable == true
	some w in live_waivers
	w.code == v.code
	w.subject == v.subject
}

deny contains v if {
	some v in violations
	count(waivers_of(v)) == 0
}

waived contains object.union(v, {"waiver": w}) if {
	some v in violations
	some w in waivers_of(v)
}
