"""Are the dense layers different in each block? One is put in the place of all, before training and after.

settings     the model: what its blocks have in common; those that are compared
jax_model    a GPT whose blocks may share their branches; torch_model its mirror
exchange     a trained model whose feed-forward layers change places, and how alike they are
study        all models, trained alike
picture      the losses by parameters; what an exchange costs
"""
