print('sys' .. 'log')
