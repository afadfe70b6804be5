"""A small NeRF: rays, positions as waves, densities summed along each ray, PSNR."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(56)
SIZE, SAMPLES, WAVES = 6, 8, 3
rng = np.random.default_rng(0)


def encode_position(x):
    positions = [x]
    for i in range(WAVES):
        for fn in (ops.sin, ops.cos):
            positions.append(fn(2.0**i * x))
    return ops.concatenate(positions, axis=-1)


def get_rays(height, width, focal, pose):
    i, j = ops.meshgrid(
        ops.arange(width, dtype="float32"), ops.arange(height, dtype="float32"), indexing="xy"
    )
    transformed_i, transformed_j = (i - width * 0.5) / focal, (j - height * 0.5) / focal
    directions = ops.stack([transformed_i, -transformed_j, -ops.ones_like(i)], axis=-1)
    camera_matrix = ops.convert_to_tensor(pose[:3, :3])
    transformed = directions[..., None, :] * camera_matrix
    ray_directions = ops.sum(transformed, axis=-1)
    return ops.broadcast_to(
        ops.convert_to_tensor(pose[:3, -1]), ops.shape(ray_directions)
    ), ray_directions


def render_flat_rays(origins, directions, near, far):
    t_vals = ops.linspace(near, far, SAMPLES)
    rays = origins[..., None, :] + directions[..., None, :] * t_vals[..., None]
    return encode_position(ops.reshape(rays, [-1, 3])), t_vals


def render_rgb_depth(model, rays_flat, t_vals):
    predictions = ops.reshape(model(rays_flat), (SIZE, SIZE, SAMPLES, 4))
    rgb, sigma = ops.sigmoid(predictions[..., :-1]), ops.relu(predictions[..., -1])
    delta = t_vals[..., 1:] - t_vals[..., :-1]
    delta = ops.concatenate([delta, ops.full((1,), 1e10)], axis=-1)
    alpha = 1.0 - ops.exp(-sigma * delta)
    exp_term = 1.0 - alpha
    transmittance = ops.cumprod(exp_term + 1e-10, axis=-1)
    transmittance = ops.concatenate(
        [ops.ones_like(transmittance[..., :1]), transmittance[..., :-1]], axis=-1
    )
    weights = alpha * transmittance
    return ops.sum(weights[..., None] * rgb, axis=-2), ops.sum(weights * t_vals, axis=-1)


def get_nerf_model(num_layers=3):
    inputs = keras.Input(shape=(2 * 3 * WAVES + 3,))
    x = inputs
    for i in range(num_layers):
        x = layers.Dense(units=16, activation="relu")(x)
        if i % 2 == 0 and i > 0:
            x = layers.concatenate([x, inputs], axis=-1)
    return keras.Model(inputs=inputs, outputs=layers.Dense(units=4)(x))


pose = np.eye(4, dtype="float32")
pose[2, 3] = 4.0
origins, directions = get_rays(SIZE, SIZE, 5.0, pose)
print("rays", tuple(origins.shape), tuple(directions.shape))
rays_flat, t_vals = render_flat_rays(origins, directions, near=2.0, far=6.0)
target = ops.convert_to_tensor(rng.random((SIZE, SIZE, 3)).astype("float32"))
model, optimizer = get_nerf_model(), keras.optimizers.Adam(0.02)
losses = []
for _ in range(10):
    loss, gradients = keras.value_and_grad(
        lambda: ops.mean(ops.square(render_rgb_depth(model, rays_flat, t_vals)[0] - target)),
        model.trainable_variables,
    )
    optimizer.apply(gradients, model.trainable_variables)
    losses.append(float(loss))
print(f"loss from {losses[0]:.3f}", losses[-1] < losses[0], model.count_params())
rgb, depth = render_rgb_depth(model, rays_flat, t_vals)
print(
    "image", tuple(rgb.shape), tuple(depth.shape), f"psnr {float(ops.psnr(target, rgb, 1.0)):.2f}"
)
