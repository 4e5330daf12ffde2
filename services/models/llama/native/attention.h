// Attention of one token over its own sequence's keys and values.
//
// Keys lie in blocks of 16 positions, [length/16][dim/2][16][2] in bf16 and [length/16][dim][16] in fp32, so that one
// instruction serves 16 positions; values in pairs of positions, [length/2][dim][2], or as they come in fp32.
#pragma once
#include <vector>

#include "products.h"

constexpr int MOST_GROUP = 16;     // query heads that share a key head
constexpr int MOST_DIM = 256;

static inline uint16_t to_bf16(float x) {
    return ((__m128i)_mm_cvtneps_pbh(_mm_set_ss(x)))[0] & 0xFFFF;
}

// Write position `t` of a head's keys and values (`k`, `v`: [dim], fp32).
static inline void write_kv(bool wide, void* keys, void* values, int64_t t, int64_t dim, const float* k, const float* v) {
    int64_t block = t / 16 * 16 * dim, lane = t % 16;
    if (wide) {
        float *key = (float*)keys + block + lane, *value = (float*)values + t * dim;
        for (int64_t d = 0; d < dim; d++) key[d * 16] = k[d], value[d] = v[d];
    } else {
        uint16_t *key = (uint16_t*)keys + block + lane * 2, *value = (uint16_t*)values + t / 2 * 2 * dim + t % 2;
        for (int64_t d = 0; d < dim; d++) key[d / 2 * 32 + d % 2] = to_bf16(k[d]), value[d * 2] = to_bf16(v[d]);
    }
}

// `q: [group][dim]`, scaled, over positions 0 … length-1; answers `out: [group][dim]`. `scores` is scratch of
// group * (length rounded up to 16).
template <int G>
static void attend_bf16(const uint16_t* keys, const uint16_t* values, int64_t length, int64_t dim, const float* q,
                        float* scores, float* out) {
    const int64_t blocks = (length + 15) / 16, padded = blocks * 16;
    uint32_t pairs[G][MOST_DIM / 2];
    for (int g = 0; g < G; g++)
        for (int64_t d = 0; d < dim; d += 2)
            pairs[g][d / 2] = to_bf16(q[g * dim + d]) | (uint32_t)to_bf16(q[g * dim + d + 1]) << 16;
    __m512 most[G];
    for (int g = 0; g < G; g++) most[g] = _mm512_set1_ps(-INFINITY);
    // Two blocks at a time: more sums in flight than the instruction takes cycles, and each query pair is loaded once
    // for both. The last block of an odd number is computed twice.
    for (int64_t b = 0; b < blocks; b += 2) {
        const uint16_t *block = keys + b * 16 * dim, *other = b + 1 < blocks ? block + 16 * dim : block;
        __m512 sums[G], more[G];
        for (int g = 0; g < G; g++) sums[g] = more[g] = _mm512_setzero_ps();
        for (int64_t d = 0; d < dim / 2; d++) {
            const __m512bh k = (__m512bh)_mm512_loadu_si512(block + d * 32);
            const __m512bh l = (__m512bh)_mm512_loadu_si512(other + d * 32);
            for (int g = 0; g < G; g++) {
                const __m512bh pair = (__m512bh)_mm512_set1_epi32(pairs[g][d]);
                sums[g] = _mm512_dpbf16_ps(sums[g], k, pair);
                more[g] = _mm512_dpbf16_ps(more[g], l, pair);
            }
        }
        for (int half = 0; half < 2 && b + half < blocks; half++) {
            const int64_t left = length - (b + half) * 16;
            const __mmask16 real = left >= 16 ? 0xFFFF : (__mmask16)((1 << left) - 1);
            for (int g = 0; g < G; g++) {
                __m512 found = _mm512_mask_blend_ps(real, _mm512_set1_ps(-INFINITY), half ? more[g] : sums[g]);
                most[g] = _mm512_max_ps(most[g], found);
                _mm512_storeu_ps(scores + g * padded + (b + half) * 16, found);
            }
        }
    }
    float whole[G];
    for (int g = 0; g < G; g++) {
        __m512 top = _mm512_set1_ps(_mm512_reduce_max_ps(most[g])), total = _mm512_setzero_ps();
        for (int64_t b = 0; b < blocks; b++) {
            __m512 s = _mm512_loadu_ps(scores + g * padded + b * 16);
            __mmask16 real = _mm512_cmp_ps_mask(s, _mm512_set1_ps(-INFINITY), _CMP_GT_OQ);
            __m512 p = _mm512_maskz_mov_ps(real, exp_ps(_mm512_sub_ps(s, top)));
            total = _mm512_add_ps(total, p);
            // Packed in place: the bf16 weights of a block take the first half of its own scores.
            _mm256_storeu_si256((__m256i*)(scores + g * padded + b * 16), (__m256i)_mm512_cvtneps_pbh(p));
        }
        whole[g] = _mm512_reduce_add_ps(total);
    }
    for (int64_t d = 0; d < dim; d += 32) {
        __m512 sums[G], more[G];
        for (int g = 0; g < G; g++) sums[g] = more[g] = _mm512_setzero_ps();
        for (int64_t b = 0; b < blocks; b++) {
            const int64_t count = std::min<int64_t>(8, (length - b * 16 + 1) / 2);
            const uint16_t* value = values + (b * 8 * dim + d) * 2;
            for (int64_t j = 0; j < count; j++, value += dim * 2) {
                const __m512bh v = (__m512bh)_mm512_loadu_si512(value);
                const __m512bh w = (__m512bh)_mm512_loadu_si512(value + 32);
                for (int g = 0; g < G; g++) {
                    const int32_t* p = (const int32_t*)(scores + g * padded + b * 16) + j;
                    const __m512bh pair = (__m512bh)_mm512_set1_epi32(*p);
                    sums[g] = _mm512_dpbf16_ps(sums[g], v, pair);
                    more[g] = _mm512_dpbf16_ps(more[g], w, pair);
                }
            }
        }
        for (int g = 0; g < G; g++) {
            const __m512 total = _mm512_set1_ps(whole[g]);
            _mm512_storeu_ps(out + g * dim + d, _mm512_div_ps(sums[g], total));
            _mm512_storeu_ps(out + g * dim + d + 16, _mm512_div_ps(more[g], total));
        }
    }
}

template <int G>
static void attend_f32(const float* keys, const float* values, int64_t length, int64_t dim, const float* q,
                       float* scores, float* out) {
    const int64_t blocks = (length + 15) / 16, padded = blocks * 16;
    for (int g = 0; g < G; g++) {
        __m512 most = _mm512_set1_ps(-INFINITY), total = _mm512_setzero_ps();
        for (int64_t b = 0; b < blocks; b++) {
            __m512 sum = _mm512_setzero_ps();
            for (int64_t d = 0; d < dim; d++)
                sum = _mm512_fmadd_ps(_mm512_loadu_ps(keys + (b * dim + d) * 16), _mm512_set1_ps(q[g * dim + d]), sum);
            int64_t left = length - b * 16;
            __mmask16 real = left >= 16 ? 0xFFFF : (__mmask16)((1 << left) - 1);
            sum = _mm512_mask_blend_ps(real, _mm512_set1_ps(-INFINITY), sum);
            most = _mm512_max_ps(most, sum);
            _mm512_storeu_ps(scores + g * padded + b * 16, sum);
        }
        __m512 top = _mm512_set1_ps(_mm512_reduce_max_ps(most));
        for (int64_t b = 0; b < blocks; b++) {
            __m512 s = _mm512_loadu_ps(scores + g * padded + b * 16);
            __mmask16 real = _mm512_cmp_ps_mask(s, _mm512_set1_ps(-INFINITY), _CMP_GT_OQ);
            __m512 p = _mm512_maskz_mov_ps(real, exp_ps(_mm512_sub_ps(s, top)));
            total = _mm512_add_ps(total, p);
            _mm512_storeu_ps(scores + g * padded + b * 16, p);
        }
        __m512 whole = _mm512_set1_ps(_mm512_reduce_add_ps(total));
        for (int64_t d = 0; d < dim; d += 16) {
            __m512 sum = _mm512_setzero_ps();
            for (int64_t t = 0; t < length; t++)
                sum = _mm512_fmadd_ps(_mm512_loadu_ps(values + t * dim + d), _mm512_set1_ps(scores[g * padded + t]), sum);
            _mm512_storeu_ps(out + g * dim + d, _mm512_div_ps(sum, whole));
        }
    }
}

template <int G>
static void attend_some(bool wide, const void* k, const void* v, int64_t length, int64_t dim, const float* q,
                        float* scores, float* out) {
    if (wide) attend_f32<G>((const float*)k, (const float*)v, length, dim, q, scores, out);
    else attend_bf16<G>((const uint16_t*)k, (const uint16_t*)v, length, dim, q, scores, out);
}

// Any group size, in pieces that fit the registers.
static void attend(bool wide, const void* k, const void* v, int64_t length, int64_t dim, int64_t group, const float* q,
                   float* scores, float* out) {
    while (group > 0) {
        int64_t part = std::min<int64_t>(group, 4);
        if (part == 4) attend_some<4>(wide, k, v, length, dim, q, scores, out);
        else if (part == 3) attend_some<3>(wide, k, v, length, dim, q, scores, out);
        else if (part == 2) attend_some<2>(wide, k, v, length, dim, q, scores, out);
        else attend_some<1>(wide, k, v, length, dim, q, scores, out);
        group -= part, q += part * dim, out += part * dim;
    }
}
