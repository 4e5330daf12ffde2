// Low-rank pairs beside the matrices: out += up · (down · x), several adapters in one batch.
#pragma once
#include "products.h"

// The pair of one matrix. A fused matrix has a pair for each of its `parts` (query, key, value; gate, up), whose
// `down` matrices stand one below the other: n is parts * rank, padded to whole panels; `up: [n/16][rank/2][16][2]` in
// bf16, [n/16][rank][16] where `down` is F32, reads its own part's share. `rank` is even.
struct Pair {
    Matrix down;
    const void* up;
    int64_t rank, parts;
};

// Neighbouring rows of one block of eight that belong to one adapter (1 or more).
struct Run {
    int64_t row, count, adapter;
};

// What all adapters' down products make, [tokens][stride] floats or twice as many bf16.
struct Low {
    float* at;
    int64_t stride;
};

// low[row …] = down · x[row …] for one panel.
static void low_panel(const Pair& pair, int64_t panel, const Input& in, const Run& run, const Low& low) {
    Floats out[MOST_ROWS];
    panel_product(pair.down, panel, in, run.row, (int)run.count, out);
    for (int64_t r = 0; r < run.count; r++) {
        float* row = low.at + (run.row + r) * low.stride;
        if (pair.down.format == F32) store(row + panel * LANES, out[r]);
        else store_bf16((uint16_t*)row + panel * LANES, out[r]);
    }
}

template <int N>
static inline void lift_rows(const Pair& pair, int64_t panel, int64_t part, const float* low, int64_t stride,
                             Floats* out) {
    Floats sums[N];
#pragma GCC unroll 8
    for (int n = 0; n < N; n++) sums[n] = out[n];
    if (pair.down.format == F32) {
        const float *up = (const float*)pair.up + panel * pair.rank * LANES, *x = low + part * pair.rank;
        for (int64_t j = 0; j < pair.rank; j++) {
            const Floats w = load(up + j * LANES);
#pragma GCC unroll 8
            for (int n = 0; n < N; n++) sums[n] = multiply_add(w, all(x[n * stride + j]), sums[n]);
        }
    } else {
        const uint16_t* up = (const uint16_t*)pair.up + panel * pair.rank * LANES;
        const int32_t* x = (const int32_t*)low + part * pair.rank / 2;
        for (int64_t j = 0; j < pair.rank / 2; j++) {
            const Twos w = load_twos(up + j * LANES * 2);
#pragma GCC unroll 8
            for (int n = 0; n < N; n++)
                sums[n] = dot(sums[n], w, all_two(x[n * stride + j]));
        }
    }
#pragma GCC unroll 8
    for (int n = 0; n < N; n++) out[n] = sums[n];
}

// out[n] += up · low for `count` (1 to 8) rows of one adapter.
static inline void lift(const Pair& pair, int64_t panel, int64_t part, const float* low, int64_t stride, int64_t count,
                        Floats* out) {
    if (ROWS < MOST_ROWS)
        for (; count > ROWS; low += ROWS * stride, count -= ROWS, out += ROWS)
            lift_rows<ROWS>(pair, panel, part, low, stride, out);
    switch (count) {
        case 8: return lift_rows<std::min(8, ROWS)>(pair, panel, part, low, stride, out);
        case 7: return lift_rows<std::min(7, ROWS)>(pair, panel, part, low, stride, out);
        case 6: return lift_rows<std::min(6, ROWS)>(pair, panel, part, low, stride, out);
        case 5: return lift_rows<std::min(5, ROWS)>(pair, panel, part, low, stride, out);
        case 4: return lift_rows<4>(pair, panel, part, low, stride, out);
        case 3: return lift_rows<3>(pair, panel, part, low, stride, out);
        case 2: return lift_rows<2>(pair, panel, part, low, stride, out);
        default: return lift_rows<1>(pair, panel, part, low, stride, out);
    }
}
