const f = globalThis['ev' + 'al'];
f(x);
