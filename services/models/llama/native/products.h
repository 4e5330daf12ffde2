// Products of a few rows with packed matrices: fp32, fp16, bf16, and 8 or 4 bits with a scale for every 32 weights.
//
// Sixteen output channels make a panel; a panel's weights lie in the order in which they are used. Every row is
// computed by the same operations in the same order whatever stands beside it, so that a result never depends
// on the batch (the row count MR only says how many rows share a load of the weights).
#pragma once
#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

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
        const __m512 a = _mm512_loadu_ps(x), b = _mm512_loadu_ps(x + 16);
        const int64_t block = row / MOST_ROWS * k, lane = row % MOST_ROWS;
        if (wide) {
            float* to = wide + (block + at) * MOST_ROWS + lane;
            for (int i = 0; i < GROUP; i++) to[i * MOST_ROWS] = x[i];
        }
        if (half) {
            alignas(64) uint32_t pairs[16];
            _mm512_store_si512(pairs, (__m512i)_mm512_cvtne2ps_pbh(b, a));
            uint32_t* to = (uint32_t*)half + (block + at) / 2 * MOST_ROWS + lane;
            for (int i = 0; i < 16; i++) to[i * MOST_ROWS] = pairs[i];
        }
        if (steps) {
            float most = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(a), _mm512_abs_ps(b)));
            float up = most > 0 ? 127.0f / most : 0.0f, down = most / 127.0f;
            __m512 factor = _mm512_set1_ps(up);
            __m512i ia = _mm512_cvtps_epi32(_mm512_mul_ps(a, factor));
            __m512i ib = _mm512_cvtps_epi32(_mm512_mul_ps(b, factor));
            alignas(32) uint32_t fours[8];
            _mm_store_si128((__m128i*)fours, _mm512_cvtsepi32_epi8(ia));
            _mm_store_si128((__m128i*)(fours + 4), _mm512_cvtsepi32_epi8(ib));
            uint32_t* to = (uint32_t*)steps + (block + at) / 4 * MOST_ROWS + lane;
            for (int i = 0; i < 8; i++) to[i * MOST_ROWS] = fours[i];
            int64_t group = (block + at) / GROUP * MOST_ROWS + lane;
            int32_t whole = _mm512_reduce_add_epi32(_mm512_add_epi32(ia, ib));
            scale[group] = down;
            if (format == Q4) sum[group] = down * (float)whole;
            else ((int32_t*)sum)[group] = -128 * whole;
        }
    }
};

static inline __m512 widen(const uint16_t* fp16) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)fp16));
}

template <int MR, bool FOUR_BITS>
static inline void panel_q(const Matrix& m, int64_t panel, const Input& in, int64_t row, __m512* out) {
    const int64_t groups = m.k / GROUP, bytes = FOUR_BITS ? 256 : 512;
    const int64_t block = row / MOST_ROWS * m.k, lane = row % MOST_ROWS;
    const uint8_t* data = m.data + panel * groups * bytes;
    const uint16_t *scales = m.scale + panel * groups * LANES, *lows = m.low + panel * groups * LANES;
    const int32_t* x = (const int32_t*)in.steps + block / 4 * MOST_ROWS + lane;
    const float *x_scale = in.scale + block / GROUP * MOST_ROWS + lane;
    const float* x_sum = in.sum + block / GROUP * MOST_ROWS + lane;
    const __m512i nibble = _mm512_set1_epi8(15);
    __m512 total[MR];
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++) total[r] = _mm512_setzero_ps();
    for (int64_t g = 0; g < groups; g++) {
        __m512i sums[MR];
#pragma GCC unroll 8
        for (int r = 0; r < MR; r++)
            sums[r] = FOUR_BITS ? _mm512_setzero_si512() : _mm512_set1_epi32(((const int32_t*)x_sum)[r]);
        if (FOUR_BITS) {
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++) {
                const __m512i both = _mm512_loadu_si512(data + 64 * j);
                const __m512i first = _mm512_and_si512(both, nibble);
                const __m512i second = _mm512_and_si512(_mm512_srli_epi16(both, 4), nibble);
#pragma GCC unroll 8
                for (int r = 0; r < MR; r++) {
                    sums[r] = _mm512_dpbusd_epi32(sums[r], first, _mm512_set1_epi32(x[j * MOST_ROWS + r]));
                    sums[r] = _mm512_dpbusd_epi32(sums[r], second, _mm512_set1_epi32(x[(j + 4) * MOST_ROWS + r]));
                }
            }
        } else {
#pragma GCC unroll 8
            for (int j = 0; j < 8; j++) {
                const __m512i w = _mm512_loadu_si512(data + 64 * j);
#pragma GCC unroll 8
                for (int r = 0; r < MR; r++)
                    sums[r] = _mm512_dpbusd_epi32(sums[r], w, _mm512_set1_epi32(x[j * MOST_ROWS + r]));
            }
        }
#pragma GCC unroll 8
        for (int64_t line = 0; line < bytes; line += 64)  // the same place in the next panel
            _mm_prefetch((const char*)(data + groups * bytes + line), _MM_HINT_T0);
        const __m512 scale = widen(scales);
#pragma GCC unroll 8
        for (int r = 0; r < MR; r++) {
            const __m512 factor = _mm512_mul_ps(scale, _mm512_set1_ps(x_scale[r]));
            total[r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums[r]), factor, total[r]);
        }
        if (FOUR_BITS) {
            const __m512 low = widen(lows);
#pragma GCC unroll 8
            for (int r = 0; r < MR; r++) total[r] = _mm512_fmadd_ps(low, _mm512_set1_ps(x_sum[r]), total[r]);
        }
        data += bytes, scales += LANES, lows += LANES, x += 8 * MOST_ROWS, x_scale += MOST_ROWS, x_sum += MOST_ROWS;
    }
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++) out[r] = total[r];
}

template <int MR>
static inline void panel_bf16(const Matrix& m, int64_t panel, const Input& in, int64_t row, __m512* out) {
    const uint8_t* data = m.data + panel * m.k * LANES * 2;
    const int32_t* x = (const int32_t*)in.half + row / MOST_ROWS * m.k / 2 * MOST_ROWS + row % MOST_ROWS;
    __m512 total[MR];
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++) total[r] = _mm512_setzero_ps();
    for (int64_t pair = 0; pair < m.k / 2; pair++, data += 64, x += MOST_ROWS) {
        const __m512bh w = (__m512bh)_mm512_loadu_si512(data);
        _mm_prefetch((const char*)(data + 2048), _MM_HINT_T0);
#pragma GCC unroll 8
        for (int r = 0; r < MR; r++) total[r] = _mm512_dpbf16_ps(total[r], w, (__m512bh)_mm512_set1_epi32(x[r]));
    }
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++) out[r] = total[r];
}

template <int MR>
static inline void panel_f32(const Matrix& m, int64_t panel, const Input& in, int64_t row, __m512* out) {
    const float* data = (const float*)m.data + panel * m.k * LANES;
    const float* x = in.wide + row / MOST_ROWS * m.k * MOST_ROWS + row % MOST_ROWS;
    __m512 total[MR];
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++) total[r] = _mm512_setzero_ps();
    for (int64_t j = 0; j < m.k; j++, data += LANES, x += MOST_ROWS) {
        const __m512 w = _mm512_loadu_ps(data);
#pragma GCC unroll 8
        for (int r = 0; r < MR; r++) total[r] = _mm512_fmadd_ps(w, _mm512_set1_ps(x[r]), total[r]);
    }
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++) out[r] = total[r];
}

template <int MR>
static inline void panel_f16(const Matrix& m, int64_t panel, const Input& in, int64_t row, __m512* out) {
    const uint16_t* data = (const uint16_t*)m.data + panel * m.k * LANES;
    const float* x = in.wide + row / MOST_ROWS * m.k * MOST_ROWS + row % MOST_ROWS;
    __m512 total[MR];
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++) total[r] = _mm512_setzero_ps();
    for (int64_t j = 0; j < m.k; j++, data += LANES, x += MOST_ROWS) {
        const __m512 w = widen(data);
        if (j % 2 == 0) _mm_prefetch((const char*)data + 2048, _MM_HINT_T0);
#pragma GCC unroll 8
        for (int r = 0; r < MR; r++) total[r] = _mm512_fmadd_ps(w, _mm512_set1_ps(x[r]), total[r]);
    }
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++) out[r] = total[r];
}

template <int MR>
static inline void panel_rows(const Matrix& m, int64_t panel, const Input& in, int64_t row, __m512* out) {
    if (m.format == Q4) panel_q<MR, true>(m, panel, in, row, out);
    else if (m.format == Q8) panel_q<MR, false>(m, panel, in, row, out);
    else if (m.format == BF16) panel_bf16<MR>(m, panel, in, row, out);
    else if (m.format == F16) panel_f16<MR>(m, panel, in, row, out);
    else panel_f32<MR>(m, panel, in, row, out);
    if (m.bias) {
        __m512 bias = _mm512_loadu_ps(m.bias + panel * LANES);
        for (int r = 0; r < MR; r++) out[r] = _mm512_add_ps(out[r], bias);
    }
}

// One panel for `count` (1 to 8) rows from `row` on, all in one block of eight.
static inline void panel_product(const Matrix& m, int64_t panel, const Input& in, int64_t row, int count, __m512* out) {
    switch (count) {
        case 8: return panel_rows<8>(m, panel, in, row, out);
        case 7: return panel_rows<7>(m, panel, in, row, out);
        case 6: return panel_rows<6>(m, panel, in, row, out);
        case 5: return panel_rows<5>(m, panel, in, row, out);
        case 4: return panel_rows<4>(m, panel, in, row, out);
        case 3: return panel_rows<3>(m, panel, in, row, out);
        case 2: return panel_rows<2>(m, panel, in, row, out);
        default: return panel_rows<1>(m, panel, in, row, out);
    }
}

// e to the x (Cephes expf; relative error below 2e-7 for x in [-87, 88]).
static inline __m512 exp_ps(__m512 x) {
    x = _mm512_max_ps(_mm512_min_ps(x, _mm512_set1_ps(88.0f)), _mm512_set1_ps(-87.0f));
    __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), 8);
    x = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
    x = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), x);
    __m512 y = _mm512_set1_ps(1.9875691500e-4f);
    y = _mm512_fmadd_ps(y, x, _mm512_set1_ps(1.3981999507e-3f));
    y = _mm512_fmadd_ps(y, x, _mm512_set1_ps(8.3334519073e-3f));
    y = _mm512_fmadd_ps(y, x, _mm512_set1_ps(4.1665795894e-2f));
    y = _mm512_fmadd_ps(y, x, _mm512_set1_ps(1.6666665459e-1f));
    y = _mm512_fmadd_ps(y, x, _mm512_set1_ps(5.0000001201e-1f));
    y = _mm512_fmadd_ps(y, _mm512_mul_ps(x, x), _mm512_add_ps(x, _mm512_set1_ps(1.0f)));
    return _mm512_scalef_ps(y, n);
}

static inline __m512 silu(__m512 x) {
    __m512 e = exp_ps(_mm512_sub_ps(_mm512_setzero_ps(), x));
    return _mm512_div_ps(x, _mm512_add_ps(_mm512_set1_ps(1.0f), e));
}
