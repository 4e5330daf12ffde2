// Products of a few rows with packed matrices: fp32, fp16, bf16, and 8 or 4 bits with a scale for every 32 weights.
//
// Sixteen output channels make a panel; a panel's weights lie in the order in which they are used. Every row is
// computed by the same operations in the same order whatever stands beside it, so that a result never depends
// on the batch (the row count MR only says how many rows share a load of the weights).
#pragma once
#include <algorithm>

#include "vectors.h"

enum Format : int64_t { F32 = 0, BF16 = 1, Q8 = 2, Q4 = 3, F16 = 4 };
constexpr int LANES = 16;  // channels in a panel
constexpr int GROUP = 32;  // weights that share a scale
constexpr int MOST_ROWS = 8;

// `n` channels (a multiple of 16) of `k` weights. Layouts, panel by panel:
// F32, F16 [k][16]; BF16 [k/2][16][2]; Q8 [k/32][8][16][4]; Q4 [k/32][4][16][4], the second half of the 32 in high nibbles.
// Q4: weight = scale * step + low, both fp16 [k/32][16]; Q8: weight = scale * (step - 128), no low.
// Data is followed by 8 KiB that prefetches may touch.
struct Matrix {
    int64_t format, n, k;
    const uint8_t* data;
    const uint16_t* scale;
    const uint16_t* low;
    const float* bias;
    int64_t unused;
};

// What a product reads of its input rows, in the form its format wants; a form that is null is not kept. Rows lie in
// blocks of eight, the block's values for one column side by side, so that one register and constant distances reach
// all of them.
struct Input {
    int64_t k;
    float* wide;      // F32, F16 [rows/8][k][8]
    uint16_t* half;   // BF16 [rows/8][k/2][8][2]
    int8_t* steps;    // Q [rows/8][k/4][8][4]
    float* scale;     // Q [rows/8][k/32][8]
    float* sum;       // Q4 [rows/8][k/32][8], scale times the sum of the steps; Q8: int32, -128 times the sum

    // Take 32 values of a row, beginning at column `at` (a multiple of 32).
    void store(int64_t format, int64_t row, int64_t at, const float* x) const {
        const Floats a = load(x), b = load(x + 16);
        const int64_t block = row / MOST_ROWS * k, lane = row % MOST_ROWS;
        if (wide) {
            float* to = wide + (block + at) * MOST_ROWS + lane;
            for (int i = 0; i < GROUP; i++) to[i * MOST_ROWS] = x[i];
        }
        if (half) {
            alignas(64) uint32_t pairs[16];
            store_bf16(pairs, a, b);
            uint32_t* to = (uint32_t*)half + (block + at) / 2 * MOST_ROWS + lane;
            for (int i = 0; i < 16; i++) to[i * MOST_ROWS] = pairs[i];
        }
        if (steps) {
            float most = greatest_of(greater(magnitude(a), magnitude(b)));
            float up = most > 0 ? 127.0f / most : 0.0f, down = most / 127.0f;
            Floats factor = all(up);
            Ints ia = rounded(a * factor);
            Ints ib = rounded(b * factor);
            alignas(32) uint32_t fours[8];
            store_int8(fours, ia);
            store_int8(fours + 4, ib);
            uint32_t* to = (uint32_t*)steps + (block + at) / 4 * MOST_ROWS + lane;
            for (int i = 0; i < 8; i++) to[i * MOST_ROWS] = fours[i];
            int64_t group = (block + at) / GROUP * MOST_ROWS + lane;
            int32_t whole = sum_of(add(ia, ib));
            scale[group] = down;
            if (format == Q4) sum[group] = down * (float)whole;
            else ((int32_t*)sum)[group] = -128 * whole;
        }
    }
};

template <int MR, bool FOUR_BITS>
static inline void panel_q(const Matrix& m, int64_t panel, const Input& in, int64_t row, Floats* out) {
    const int64_t groups = m.k / GROUP, bytes = FOUR_BITS ? 256 : 512;
    const int64_t block = row / MOST_ROWS * m.k, lane = row % MOST_ROWS;
    const uint8_t* data = m.data + panel * groups * bytes;
    const uint16_t *scales = m.scale + panel * groups * LANES, *lows = m.low + panel * groups * LANES;
    const int32_t* x = (const int32_t*)in.steps + block / 4 * MOST_ROWS + lane;
    const float *x_scale = in.scale + block / GROUP * MOST_ROWS + lane;
    const float* x_sum = in.sum + block / GROUP * MOST_ROWS + lane;
    Floats total[MR];
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++) total[r] = zeros();
    for (int64_t g = 0; g < groups; g++) {
        Sums<FOUR_BITS> sums[MR];
#pragma GCC unroll 8
        for (int r = 0; r < MR; r++) sums[r] = no_sums<FOUR_BITS>((const int32_t*)x_sum + r);
        if constexpr (FOUR_BITS) {
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++) {
                const Nibbles first = low_nibbles(data + 64 * j), second = high_nibbles(data + 64 * j);
#pragma GCC unroll 8
                for (int r = 0; r < MR; r++) {
                    sums[r] = dot(sums[r], first, x[j * MOST_ROWS + r]);
                    sums[r] = dot(sums[r], second, x[(j + 4) * MOST_ROWS + r]);
                }
            }
        } else {
#pragma GCC unroll 8
            for (int j = 0; j < 8; j++) {
                const Steps w = load_steps(data + 64 * j);
#pragma GCC unroll 8
                for (int r = 0; r < MR; r++) sums[r] = dot(sums[r], w, x[j * MOST_ROWS + r]);
            }
        }
#pragma GCC unroll 8
        for (int64_t line = 0; line < bytes; line += 64)  // the same place in the next panel
            _mm_prefetch((const char*)(data + groups * bytes + line), _MM_HINT_T0);
        const Floats scale = load_half(scales);
#pragma GCC unroll 8
        for (int r = 0; r < MR; r++) {
            const Floats factor = scale * all(x_scale[r]);
            total[r] = multiply_add(to_floats(sums[r]), factor, total[r]);
        }
        if (FOUR_BITS) {
            const Floats low = load_half(lows);
#pragma GCC unroll 8
            for (int r = 0; r < MR; r++) total[r] = multiply_add(low, all(x_sum[r]), total[r]);
        }
        data += bytes, scales += LANES, lows += LANES, x += 8 * MOST_ROWS, x_scale += MOST_ROWS, x_sum += MOST_ROWS;
    }
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++) out[r] = total[r];
}

template <int MR>
static inline void panel_bf16(const Matrix& m, int64_t panel, const Input& in, int64_t row, Floats* out) {
    const uint8_t* data = m.data + panel * m.k * LANES * 2;
    const int32_t* x = (const int32_t*)in.half + row / MOST_ROWS * m.k / 2 * MOST_ROWS + row % MOST_ROWS;
    Floats total[MR];
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++) total[r] = zeros();
    for (int64_t pair = 0; pair < m.k / 2; pair++, data += 64, x += MOST_ROWS) {
        const Twos w = load_twos(data);
        _mm_prefetch((const char*)(data + 2048), _MM_HINT_T0);
#pragma GCC unroll 8
        for (int r = 0; r < MR; r++) total[r] = dot(total[r], w, all_two(x[r]));
    }
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++) out[r] = total[r];
}

template <int MR>
static inline void panel_f32(const Matrix& m, int64_t panel, const Input& in, int64_t row, Floats* out) {
    const float* data = (const float*)m.data + panel * m.k * LANES;
    const float* x = in.wide + row / MOST_ROWS * m.k * MOST_ROWS + row % MOST_ROWS;
    Floats total[MR];
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++) total[r] = zeros();
    for (int64_t j = 0; j < m.k; j++, data += LANES, x += MOST_ROWS) {
        const Floats w = load(data);
#pragma GCC unroll 8
        for (int r = 0; r < MR; r++) total[r] = multiply_add(w, all(x[r]), total[r]);
    }
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++) out[r] = total[r];
}

template <int MR>
static inline void panel_f16(const Matrix& m, int64_t panel, const Input& in, int64_t row, Floats* out) {
    const uint16_t* data = (const uint16_t*)m.data + panel * m.k * LANES;
    const float* x = in.wide + row / MOST_ROWS * m.k * MOST_ROWS + row % MOST_ROWS;
    Floats total[MR];
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++) total[r] = zeros();
    for (int64_t j = 0; j < m.k; j++, data += LANES, x += MOST_ROWS) {
        const Floats w = load_half(data);
        if (j % 2 == 0) _mm_prefetch((const char*)data + 2048, _MM_HINT_T0);
#pragma GCC unroll 8
        for (int r = 0; r < MR; r++) total[r] = multiply_add(w, all(x[r]), total[r]);
    }
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++) out[r] = total[r];
}

template <int MR>
static inline void panel_rows(const Matrix& m, int64_t panel, const Input& in, int64_t row, Floats* out) {
    if (m.format == Q4) panel_q<MR, true>(m, panel, in, row, out);
    else if (m.format == Q8) panel_q<MR, false>(m, panel, in, row, out);
    else if (m.format == BF16) panel_bf16<MR>(m, panel, in, row, out);
    else if (m.format == F16) panel_f16<MR>(m, panel, in, row, out);
    else panel_f32<MR>(m, panel, in, row, out);
    if (m.bias) {
        Floats bias = load(m.bias + panel * LANES);
        for (int r = 0; r < MR; r++) out[r] = out[r] + bias;
    }
}

// One panel for `count` (1 to 8) rows from `row` on, all in one block of eight.
static inline void panel_product(const Matrix& m, int64_t panel, const Input& in, int64_t row, int count, Floats* out) {
    if (ROWS < MOST_ROWS)
        for (; count > ROWS; row += ROWS, count -= ROWS, out += ROWS) panel_rows<ROWS>(m, panel, in, row, out);
    switch (count) {
        case 8: return panel_rows<std::min(8, ROWS)>(m, panel, in, row, out);
        case 7: return panel_rows<std::min(7, ROWS)>(m, panel, in, row, out);
        case 6: return panel_rows<std::min(6, ROWS)>(m, panel, in, row, out);
        case 5: return panel_rows<std::min(5, ROWS)>(m, panel, in, row, out);
        case 4: return panel_rows<4>(m, panel, in, row, out);
        case 3: return panel_rows<3>(m, panel, in, row, out);
        case 2: return panel_rows<2>(m, panel, in, row, out);
        default: return panel_rows<1>(m, panel, in, row, out);
    }
}

// e to the x (Cephes expf; relative error below 2e-7 for x in [-87, 88]).
static inline Floats exp_ps(Floats x) {
    x = greater(smaller(x, all(88.0f)), all(-87.0f));
    Floats n = nearest(x * all(1.44269504f));
    x = multiply_subtract_from(n, all(0.693359375f), x);
    x = multiply_subtract_from(n, all(-2.12194440e-4f), x);
    Floats y = all(1.9875691500e-4f);
    y = multiply_add(y, x, all(1.3981999507e-3f));
    y = multiply_add(y, x, all(8.3334519073e-3f));
    y = multiply_add(y, x, all(4.1665795894e-2f));
    y = multiply_add(y, x, all(1.6666665459e-1f));
    y = multiply_add(y, x, all(5.0000001201e-1f));
    y = multiply_add(y, x * x, x + all(1.0f));
    return times_power(y, n);
}

static inline Floats silu(Floats x) {
    Floats e = exp_ps(zeros() - x);
    return x / (all(1.0f) + e);
}
