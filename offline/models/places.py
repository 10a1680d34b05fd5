"""Says where every recipe stands, without importing any."""

from collections.abc import Mapping

# A recipe is imported when it is asked for: some stand on torch, which takes seconds to come.
PLACES: Mapping[str, tuple[str, str, str]] = {
    "popularity": ("popularity", "Popularity", "what most shoppers like, overall or lately"),
    "random": ("random", "Random", "chance, the floor under every figure"),
    "item-knn": ("item_knn", "ItemKnn", "neighbours by the shoppers that products share"),
    "rp3beta": ("rp3beta", "Rp3Beta", "walks from product to shopper to product"),
    "ease": ("ease", "Ease", "a linear autoencoder in closed form, up to 30,000 products"),
    "graph-filter": ("graph_filter", "GraphFilter", "tastes smoothed over the graph of likings"),
    "als": ("als", "Als", "factors of shoppers and products, which personal results use"),
    "als-search": ("als_search", "AlsSearch", "als with the options that a validation prefers"),
    "image": ("image", "Image", "taste from the photos of what a shopper liked"),
    "hybrid": ("hybrid", "Hybrid", "als, and photos and words where a product is new"),
    "gmf": ("gmf", "Gmf", "factors learned against products that were passed over"),
    "mlp": ("mlp", "Mlp", "a perceptron over shopper and product"),
    "neumf": ("neumf", "NeuMf", "factors and a perceptron in one network"),
    "image-mlp": ("image_mlp", "ImageMlp", "a perceptron over shopper, product and picture"),
    "blend": ("blend", "Blend", "two models mixed by the weight that a validation prefers"),
}
"""Module below ``offline.models``, class, and what it is in a few words, by name."""
