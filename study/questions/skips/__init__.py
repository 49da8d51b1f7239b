"""Why are there skip connections? They are taken away, at several depths, with the norm before or after.

settings     the model: which skip connections it has, and how its weights begin
jax_model    a GPT whose blocks may lack them; torch_model its mirror
measures     gradients by layer, and how alike the positions are
study        all depths and kinds, trained alike
picture      the losses by depth; gradients and likeness by layer
"""
