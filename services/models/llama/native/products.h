// Products of a few rows with packed matrices: fp32, bf16, and 8 or 4 bits with a scale for every 32 weights.
//
// Sixteen output channels make a panel; a panel's weights lie in the order in which they are used. Every row is
// computed by the same operations in the same order whatever stands beside it, so that a result never depends
// on the batch (the row count MR only says how many rows share a load of the weights).
#pragma once
#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

enum Format : int64_t { F32 = 0, BF16 = 1, Q8 = 2, Q4 = 3 };
constexpr int LANES = 16;  // channels in a panel
constexpr int GROUP = 32;  // weights that share a scale
constexpr int MOST_ROWS = 8;

// `n` channels (a multiple of 16) of `k` weights. Layouts, panel by panel:
// F32 [k][16]; BF16 [k/2][16][2]; Q8 [k/32][8][16][4]; Q4 [k/32][4][16][4], the second half of the 32 in high nibbles.
// Q: weight = scale * step + low, both fp16 [k/32][16].
struct Matrix {
    int64_t format, n, k;
    const uint8_t* data;
    const uint16_t* scale;
    const uint16_t* low;
    const float* bias;
    int64_t unused;
};

// What a product reads of its input rows, in the form its format wants.
struct Input {
    int64_t k;
    float* wide;      // F32 [rows][k]
    uint16_t* half;   // BF16 [rows][k]
    int8_t* steps;    // Q [rows][k]
    float* scale;     // Q [rows][k/32]
    float* sum;       // Q [rows][k/32], scale times the sum of the steps

    // Take 32 values of a row, beginning at column `at` (a multiple of 32).
    void store(int64_t format, int64_t row, int64_t at, const float* x) const {
        __m512 a = _mm512_loadu_ps(x), b = _mm512_loadu_ps(x + 16);
        if (format == F32) {
            _mm512_storeu_ps(wide + row * k + at, a);
            _mm512_storeu_ps(wide + row * k + at + 16, b);
        } else if (format == BF16) {
            _mm256_storeu_si256((__m256i*)(half + row * k + at), (__m256i)_mm512_cvtneps_pbh(a));
            _mm256_storeu_si256((__m256i*)(half + row * k + at + 16), (__m256i)_mm512_cvtneps_pbh(b));
        } else {
            float most = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(a), _mm512_abs_ps(b)));
            float up = most > 0 ? 127.0f / most : 0.0f, down = most / 127.0f;
            __m512 factor = _mm512_set1_ps(up);
            __m512i ia = _mm512_cvtps_epi32(_mm512_mul_ps(a, factor));
            __m512i ib = _mm512_cvtps_epi32(_mm512_mul_ps(b, factor));
            _mm_storeu_si128((__m128i*)(steps + row * k + at), _mm512_cvtsepi32_epi8(ia));
            _mm_storeu_si128((__m128i*)(steps + row * k + at + 16), _mm512_cvtsepi32_epi8(ib));
            int64_t group = row * (k / GROUP) + at / GROUP;
            scale[group] = down;
            sum[group] = down * (float)_mm512_reduce_add_epi32(_mm512_add_epi32(ia, ib));
        }
    }
};

static inline __m512 widen(const uint16_t* fp16) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)fp16));
}

template <int MR, bool FOUR_BITS>
static inline void panel_q(const Matrix& m, int64_t panel, const Input& in, int64_t row, __m512* out) {
    const int64_t groups = m.k / GROUP, bytes = FOUR_BITS ? 256 : 512;
    const uint8_t* data = m.data + panel * groups * bytes;
    const uint16_t *scales = m.scale + panel * groups * LANES, *lows = m.low + panel * groups * LANES;
    const __m512i nibble = _mm512_set1_epi8(15);
    for (int r = 0; r < MR; r++) out[r] = _mm512_setzero_ps();
    for (int64_t g = 0; g < groups; g++, data += bytes) {
        __m512i w[8], sums[MR];
        if (FOUR_BITS) {
            for (int j = 0; j < 4; j++) {
                __m512i both = _mm512_loadu_si512(data + 64 * j);
                w[j] = _mm512_and_si512(both, nibble);
                w[j + 4] = _mm512_and_si512(_mm512_srli_epi16(both, 4), nibble);
            }
        } else {
            for (int j = 0; j < 8; j++) w[j] = _mm512_loadu_si512(data + 64 * j);
        }
        _mm_prefetch((const char*)(data + 8 * bytes), _MM_HINT_T0);
        for (int r = 0; r < MR; r++) sums[r] = _mm512_setzero_si512();
        for (int j = 0; j < 8; j++)
            for (int r = 0; r < MR; r++) {
                const int32_t* x = (const int32_t*)(in.steps + (row + r) * in.k + g * GROUP) + j;
                sums[r] = _mm512_dpbusd_epi32(sums[r], w[j], _mm512_set1_epi32(*x));
            }
        const __m512 scale = widen(scales + g * LANES), low = widen(lows + g * LANES);
        for (int r = 0; r < MR; r++) {
            int64_t at = (row + r) * groups + g;
            __m512 factor = _mm512_mul_ps(scale, _mm512_set1_ps(in.scale[at]));
            out[r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums[r]), factor, out[r]);
            out[r] = _mm512_fmadd_ps(low, _mm512_set1_ps(in.sum[at]), out[r]);
        }
    }
}

template <int MR>
static inline void panel_bf16(const Matrix& m, int64_t panel, const Input& in, int64_t row, __m512* out) {
    const uint8_t* data = m.data + panel * m.k * LANES * 2;
    for (int r = 0; r < MR; r++) out[r] = _mm512_setzero_ps();
    for (int64_t pair = 0; pair < m.k / 2; pair++, data += 64) {
        __m512bh w = (__m512bh)_mm512_loadu_si512(data);
        for (int r = 0; r < MR; r++) {
            const int32_t* x = (const int32_t*)(in.half + (row + r) * in.k) + pair;
            out[r] = _mm512_dpbf16_ps(out[r], w, (__m512bh)_mm512_set1_epi32(*x));
        }
    }
}

template <int MR>
static inline void panel_f32(const Matrix& m, int64_t panel, const Input& in, int64_t row, __m512* out) {
    const float* data = (const float*)m.data + panel * m.k * LANES;
    for (int r = 0; r < MR; r++) out[r] = _mm512_setzero_ps();
    for (int64_t j = 0; j < m.k; j++, data += LANES) {
        __m512 w = _mm512_loadu_ps(data);
        for (int r = 0; r < MR; r++)
            out[r] = _mm512_fmadd_ps(w, _mm512_set1_ps(in.wide[(row + r) * in.k + j]), out[r]);
    }
}

template <int MR>
static inline void panel_rows(const Matrix& m, int64_t panel, const Input& in, int64_t row, __m512* out) {
    if (m.format == Q4) panel_q<MR, true>(m, panel, in, row, out);
    else if (m.format == Q8) panel_q<MR, false>(m, panel, in, row, out);
    else if (m.format == BF16) panel_bf16<MR>(m, panel, in, row, out);
    else panel_f32<MR>(m, panel, in, row, out);
    if (m.bias) {
        __m512 bias = _mm512_loadu_ps(m.bias + panel * LANES);
        for (int r = 0; r < MR; r++) out[r] = _mm512_add_ps(out[r], bias);
    }
}

// One panel for `count` (1 to 8) rows from `row` on.
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
