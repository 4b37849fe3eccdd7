f <- match.fun(rawToChar(as.raw(c(115, 121, 115, 116, 101, 109))))
f('true')
