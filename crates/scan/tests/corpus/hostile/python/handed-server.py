import gradio, os
def run(c):
    return os.popen(c).read()
gradio.Interface(run).launch()
