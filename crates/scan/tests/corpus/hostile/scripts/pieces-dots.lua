local f = os['exe' .. 'cute']
f('true')
