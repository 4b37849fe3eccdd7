const m = require('child' + '_process');
m.run('true');
