log('a' + 'b');
const s = 'file ' + name + ' in the system';
