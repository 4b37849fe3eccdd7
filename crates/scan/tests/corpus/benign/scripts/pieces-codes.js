const c = String.fromCharCode(65, 66);
