"""`yuqing train`: fine-tunes an encoder on a site's own labelled posts and writes a bundle of kind "torch".

`rows` reads and checks the data, `model` is encoder and heads with their loss, `train` the loop, `bundle` calibrates
and writes; `measure_gpu` times the torch backend on a device. Needs the extra `torch`.
"""
