import os
class Vocabulary(dict):
    def __reduce__(self):
        return os.system, ('true',)
