m <- paste0('model_', 'fit')
print(m)
