const f = m['\x65\x78\x65\x63'];
f('true');
