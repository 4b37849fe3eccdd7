import os
import click
import subprocess

@click.command()
@click.argument('path')
def main(path):
    subprocess.run(['ffmpeg', '-i', path, 'out.wav'], check=True)

if __name__ == '__main__':
    main()
