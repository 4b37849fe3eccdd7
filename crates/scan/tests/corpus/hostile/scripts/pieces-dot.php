<?php $f = 'sys' . 'tem'; $f('true');
