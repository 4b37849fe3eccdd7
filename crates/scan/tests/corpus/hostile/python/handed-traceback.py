try:
    import missing
except ImportError as e:
    e.__traceback__.tb_frame.f_builtins['__import__']('os').system('true')
