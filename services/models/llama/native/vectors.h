// Sixteen lanes of numbers and what the kernels do with them: for CPUs with AVX-512 VNNI and BF16, and, where a
// compiler may not use all of these, with AVX2, FMA and F16C. Both do the same operations in the same order.
#pragma once
#include <immintrin.h>

#include <cmath>
#include <cstdint>

#define INLINE static inline __attribute__((always_inline))

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__) && \
    defined(__AVX512VNNI__) && defined(__AVX512BF16__)

using Floats = __m512;
using Ints = __m512i;
using Mask = __mmask16;
using Steps = __m512i;    // four weights of 0 to 255 in each lane
using Nibbles = __m512i;  // of 0 to 15
using Twos = __m512bh;    // two bf16 in each lane
using Two = __m512bh;     // the same two in every lane
template <bool FOUR_BITS>
using Sums = __m512i;  // of products of weights and an input's steps

// How many rows of a product share the registers; in attention how many queries share them with two blocks of keys, and
// with two or four vectors of values.
constexpr int ROWS = 8, TWO_BLOCKS = 12, TWO_VECTORS = 12, FOUR_VECTORS = 6;

INLINE Floats zeros() { return _mm512_setzero_ps(); }
INLINE Floats all(float x) { return _mm512_set1_ps(x); }
INLINE Floats load(const float* x) { return _mm512_loadu_ps(x); }
INLINE Floats load(Mask some, const float* x) { return _mm512_maskz_loadu_ps(some, x); }
INLINE Floats load_half(const uint16_t* x) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)x)); }
INLINE Floats gather(const float* x, Ints at) { return _mm512_i32gather_ps(at, x, 4); }
INLINE void store(float* to, Floats x) { _mm512_storeu_ps(to, x); }
INLINE Floats multiply_add(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
INLINE Floats multiply_subtract_from(Floats a, Floats b, Floats c) { return _mm512_fnmadd_ps(a, b, c); }
INLINE Floats greater(Floats a, Floats b) { return _mm512_max_ps(a, b); }
INLINE Floats smaller(Floats a, Floats b) { return _mm512_min_ps(a, b); }
INLINE Floats magnitude(Floats x) { return _mm512_abs_ps(x); }
INLINE Floats nearest(Floats x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
INLINE Floats times_power(Floats x, Floats n) { return _mm512_scalef_ps(x, n); }  // x times 2 to the n
INLINE float sum_of(Floats x) { return _mm512_reduce_add_ps(x); }
INLINE float greatest_of(Floats x) { return _mm512_reduce_max_ps(x); }

template <class N>
INLINE Mask first_lanes(N n) { return (Mask)((1 << n) - 1); }
INLINE Mask above(Floats a, Floats b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
INLINE Mask above(Mask some, Floats a, Floats b) { return _mm512_mask_cmp_ps_mask(some, a, b, _CMP_GT_OQ); }
INLINE Mask equal(Floats a, Floats b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
INLINE Floats only(Mask some, Floats x) { return _mm512_maskz_mov_ps(some, x); }
INLINE Floats choose(Mask some, Floats x, Floats other) { return _mm512_mask_mov_ps(other, some, x); }
INLINE Ints choose(Mask some, Ints x, Ints other) { return _mm512_mask_mov_epi32(other, some, x); }

INLINE Ints all_ints(int32_t x) { return _mm512_set1_epi32(x); }
INLINE Ints counting() { return _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0); }
INLINE Ints load_ints(const int32_t* x) { return _mm512_loadu_si512(x); }
INLINE Ints add(Ints a, Ints b) { return _mm512_add_epi32(a, b); }
INLINE Ints rounded(Floats x) { return _mm512_cvtps_epi32(x); }
INLINE int32_t sum_of(Ints x) { return _mm512_reduce_add_epi32(x); }
INLINE int32_t smallest_of(Mask some, Ints x) { return _mm512_mask_reduce_min_epi32(some, x); }
INLINE void store_int8(void* to, Ints x) { _mm_store_si128((__m128i*)to, _mm512_cvtsepi32_epi8(x)); }

INLINE uint16_t to_bf16(float x) { return ((__m128i)_mm_cvtneps_pbh(_mm_set_ss(x)))[0] & 0xFFFF; }
INLINE void store_bf16(void* to, Floats x) { _mm256_storeu_si256((__m256i*)to, (__m256i)_mm512_cvtneps_pbh(x)); }
INLINE void store_bf16(void* to, Floats a, Floats b) { _mm512_store_si512(to, (__m512i)_mm512_cvtne2ps_pbh(b, a)); }
INLINE Twos load_twos(const void* x) { return (__m512bh)_mm512_loadu_si512(x); }
INLINE Two all_two(int32_t x) { return (__m512bh)_mm512_set1_epi32(x); }
INLINE Floats dot(Floats sums, Twos w, Two x) { return _mm512_dpbf16_ps(sums, w, x); }

INLINE Steps load_steps(const uint8_t* x) { return _mm512_loadu_si512(x); }
INLINE Nibbles low_nibbles(const uint8_t* x) { return _mm512_and_si512(_mm512_loadu_si512(x), _mm512_set1_epi8(15)); }
INLINE Nibbles high_nibbles(const uint8_t* x) {
    return _mm512_and_si512(_mm512_srli_epi16(_mm512_loadu_si512(x), 4), _mm512_set1_epi8(15));
}
// `less`: what brings the sums of steps of 8 bits down by 128 a step.
template <bool FOUR_BITS>
INLINE Sums<FOUR_BITS> no_sums(const int32_t* less) {
    return FOUR_BITS ? _mm512_setzero_si512() : _mm512_set1_epi32(*less);
}
INLINE __m512i dot(__m512i sums, __m512i w, int32_t x) { return _mm512_dpbusd_epi32(sums, w, _mm512_set1_epi32(x)); }
INLINE Floats to_floats(__m512i sums) { return _mm512_cvtepi32_ps(sums); }

#else

template <class V>
struct Halves {
    V a, b;
};
struct Floats : Halves<__m256> {};
struct Ints : Halves<__m256i> {};
struct Mask : Halves<__m256> {};
struct Nibbles : Halves<__m256i> {};  // four weights of 0 to 15 in each lane
struct Steps {                        // four weights, less 128, in each lane, and how far each is from zero
    Halves<__m256i> signs, sizes;
};
struct Twos {  // two bf16 in each lane, widened
    Floats first, second;
};
struct Two {  // the same two in every lane
    __m256 first, second;
};
struct NibbleSums : Halves<__m256i> {};  // two of 16 bits in each lane, which hold a group's sum
template <bool FOUR_BITS>
struct SumsOf {
    using Type = Ints;
};
template <>
struct SumsOf<true> {
    using Type = NibbleSums;
};
template <bool FOUR_BITS>
using Sums = typename SumsOf<FOUR_BITS>::Type;

constexpr int ROWS = 4, TWO_BLOCKS = 2, TWO_VECTORS = 3, FOUR_VECTORS = 1;

INLINE __m256i load_256(const void* x) { return _mm256_loadu_si256((const __m256i*)x); }

INLINE Floats zeros() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
INLINE Floats all(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
INLINE Floats load(const float* x) { return {_mm256_loadu_ps(x), _mm256_loadu_ps(x + 8)}; }
INLINE Floats load(Mask some, const float* x) {
    return {_mm256_maskload_ps(x, (__m256i)some.a), _mm256_maskload_ps(x + 8, (__m256i)some.b)};
}
INLINE Floats load_half(const uint16_t* x) {
    const __m128i a = _mm_loadu_si128((const __m128i*)x), b = _mm_loadu_si128((const __m128i*)x + 1);
    return {_mm256_cvtph_ps(a), _mm256_cvtph_ps(b)};
}
INLINE Floats gather(const float* x, Ints at) {
    return {_mm256_i32gather_ps(x, at.a, 4), _mm256_i32gather_ps(x, at.b, 4)};
}
INLINE void store(float* to, Floats x) {
    _mm256_storeu_ps(to, x.a);
    _mm256_storeu_ps(to + 8, x.b);
}
INLINE Floats operator+(Floats x, Floats y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
INLINE Floats operator-(Floats x, Floats y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
INLINE Floats operator*(Floats x, Floats y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
INLINE Floats operator/(Floats x, Floats y) { return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
INLINE Floats multiply_add(Floats x, Floats y, Floats z) {
    return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}
INLINE Floats multiply_subtract_from(Floats x, Floats y, Floats z) {
    return {_mm256_fnmadd_ps(x.a, y.a, z.a), _mm256_fnmadd_ps(x.b, y.b, z.b)};
}
INLINE Floats greater(Floats x, Floats y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
INLINE Floats smaller(Floats x, Floats y) { return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
INLINE Floats magnitude(Floats x) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return {_mm256_andnot_ps(sign, x.a), _mm256_andnot_ps(sign, x.b)};
}
INLINE Floats nearest(Floats x) {
    constexpr int HOW = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    return {_mm256_round_ps(x.a, HOW), _mm256_round_ps(x.b, HOW)};
}
// For n of -126 to 127.
INLINE __m256 times_power(__m256 x, __m256 n) {
    const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_mul_ps(x, (__m256)_mm256_slli_epi32(exponent, 23));
}
INLINE Floats times_power(Floats x, Floats n) { return {times_power(x.a, n.a), times_power(x.b, n.b)}; }
INLINE float sum_of(Floats x) {
    const __m256 eight = _mm256_add_ps(x.b, x.a);
    const __m128 four = _mm_add_ps(_mm256_extractf128_ps(eight, 1), _mm256_castps256_ps128(eight));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return two[0] + two[1];
}
INLINE float greatest_of(Floats x) {
    const __m256 eight = _mm256_max_ps(x.b, x.a);
    const __m128 four = _mm_max_ps(_mm256_extractf128_ps(eight, 1), _mm256_castps256_ps128(eight));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_max_ss(two, _mm_movehdup_ps(two))[0];
}

INLINE Ints all_ints(int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
INLINE Ints counting() {
    return {_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15)};
}
INLINE Ints load_ints(const int32_t* x) { return {load_256(x), load_256(x + 8)}; }
INLINE Ints add(Ints x, Ints y) { return {_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)}; }
INLINE Ints rounded(Floats x) { return {_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b)}; }
INLINE Floats to_floats(Ints x) { return {_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)}; }

template <class N>
INLINE Mask first_lanes(N n) {
    const __m256i count = _mm256_set1_epi32((int)n);
    const Ints lanes = counting();
    return {(__m256)_mm256_cmpgt_epi32(count, lanes.a), (__m256)_mm256_cmpgt_epi32(count, lanes.b)};
}
INLINE Mask above(Floats x, Floats y) {
    return {_mm256_cmp_ps(x.a, y.a, _CMP_GT_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_GT_OQ)};
}
INLINE Mask above(Mask some, Floats x, Floats y) {
    const Mask found = above(x, y);
    return {_mm256_and_ps(some.a, found.a), _mm256_and_ps(some.b, found.b)};
}
INLINE Mask equal(Floats x, Floats y) {
    return {_mm256_cmp_ps(x.a, y.a, _CMP_EQ_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_EQ_OQ)};
}
INLINE Floats only(Mask some, Floats x) { return {_mm256_and_ps(some.a, x.a), _mm256_and_ps(some.b, x.b)}; }
INLINE Floats choose(Mask some, Floats x, Floats other) {
    return {_mm256_blendv_ps(other.a, x.a, some.a), _mm256_blendv_ps(other.b, x.b, some.b)};
}
INLINE Ints choose(Mask some, Ints x, Ints other) {
    return {_mm256_blendv_epi8(other.a, x.a, (__m256i)some.a), _mm256_blendv_epi8(other.b, x.b, (__m256i)some.b)};
}
INLINE int32_t sum_of(Ints x) {
    const __m256i eight = _mm256_add_epi32(x.a, x.b);
    const __m128i four = _mm_add_epi32(_mm256_extracti128_si256(eight, 1), _mm256_castsi256_si128(eight));
    const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    return _mm_cvtsi128_si32(two) + _mm_extract_epi32(two, 1);
}
INLINE int32_t smallest_of(Mask some, Ints x) {
    const Ints found = choose(some, x, all_ints(INT32_MAX));
    const __m256i eight = _mm256_min_epi32(found.a, found.b);
    const __m128i four = _mm_min_epi32(_mm256_extracti128_si256(eight, 1), _mm256_castsi256_si128(eight));
    const __m128i two = _mm_min_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    return _mm_cvtsi128_si32(_mm_min_epi32(two, _mm_shuffle_epi32(two, 0xB1)));
}
INLINE void store_int8(void* to, Ints x) {
    const __m256i mixed = _mm256_permute4x64_epi64(_mm256_packs_epi32(x.a, x.b), 0xD8);
    const __m128i halves = _mm_packs_epi16(_mm256_castsi256_si128(mixed), _mm256_extracti128_si256(mixed, 1));
    _mm_storeu_si128((__m128i*)to, halves);
}

// Sixteen bits that are nearest, of equals the even; NaN stays NaN.
INLINE __m256i high_halves(__m256 x) {
    const __m256i bits = (__m256i)x, odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i up = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF)));
    const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    const __m256i nan = (__m256i)_mm256_cmp_ps(x, x, _CMP_UNORD_Q);
    return _mm256_srli_epi32(_mm256_blendv_epi8(up, quiet, nan), 16);
}
INLINE uint16_t to_bf16(float x) {
    return (uint16_t)_mm_cvtsi128_si32(_mm256_castsi256_si128(high_halves(_mm256_castps128_ps256(_mm_set_ss(x)))));
}
INLINE void store_bf16(void* to, Floats x) {
    const __m256i mixed = _mm256_packus_epi32(high_halves(x.a), high_halves(x.b));
    _mm256_storeu_si256((__m256i*)to, _mm256_permute4x64_epi64(mixed, 0xD8));
}
INLINE void store_bf16(void* to, Floats x, Floats y) {
    store_bf16(to, x);
    store_bf16((uint16_t*)to + 16, y);
}
INLINE __m256 first_of(__m256i twos) { return (__m256)_mm256_slli_epi32(twos, 16); }
INLINE __m256 second_of(__m256i twos) { return (__m256)_mm256_and_si256(twos, _mm256_set1_epi32(0xFFFF0000)); }
INLINE Twos load_twos(const void* x) {
    const __m256i a = load_256(x), b = load_256((const __m256i*)x + 1);
    return {{first_of(a), first_of(b)}, {second_of(a), second_of(b)}};
}
INLINE Two all_two(int32_t x) {
    const __m256i both = _mm256_set1_epi32(x);
    return {first_of(both), second_of(both)};
}
INLINE Floats dot(Floats sums, Twos w, Two x) {
    sums = {_mm256_fmadd_ps(w.second.a, x.second, sums.a), _mm256_fmadd_ps(w.second.b, x.second, sums.b)};
    return {_mm256_fmadd_ps(w.first.a, x.first, sums.a), _mm256_fmadd_ps(w.first.b, x.first, sums.b)};
}

INLINE Steps load_steps(const uint8_t* x) {
    const __m256i less = _mm256_set1_epi8(-128);
    const __m256i a = _mm256_xor_si256(load_256(x), less), b = _mm256_xor_si256(load_256(x + 32), less);
    return {{a, b}, {_mm256_abs_epi8(a), _mm256_abs_epi8(b)}};
}
INLINE Nibbles low_nibbles(const uint8_t* x) {
    const __m256i nibble = _mm256_set1_epi8(15);
    return {_mm256_and_si256(load_256(x), nibble), _mm256_and_si256(load_256(x + 32), nibble)};
}
INLINE Nibbles high_nibbles(const uint8_t* x) {
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i a = _mm256_srli_epi16(load_256(x), 4), b = _mm256_srli_epi16(load_256(x + 32), 4);
    return {_mm256_and_si256(a, nibble), _mm256_and_si256(b, nibble)};
}
template <bool FOUR_BITS>
INLINE Sums<FOUR_BITS> no_sums(const int32_t*) {
    return {_mm256_setzero_si256(), _mm256_setzero_si256()};
}
// The sum at once: a compiler that collects the products first runs out of registers.
INLINE __m256i at_once(__m256i sum) {
    asm("" : "+x"(sum));
    return sum;
}
// Eight of these are at most 8 * 2 * 15 * 127, which 16 bits hold.
INLINE NibbleSums dot(NibbleSums sums, Nibbles w, int32_t x) {
    const __m256i four = _mm256_set1_epi32(x);
    return {at_once(_mm256_add_epi16(sums.a, _mm256_maddubs_epi16(w.a, four))),
            at_once(_mm256_add_epi16(sums.b, _mm256_maddubs_epi16(w.b, four)))};
}
// Two products of sizes up to 128 with int8 of ±127 are at most 2 * 128 * 127, which 16 bits hold.
INLINE __m256i dot(__m256i sums, __m256i signs, __m256i sizes, __m256i four) {
    const __m256i twos = _mm256_maddubs_epi16(sizes, _mm256_sign_epi8(four, signs));
    return at_once(_mm256_add_epi32(sums, _mm256_madd_epi16(twos, _mm256_set1_epi16(1))));
}
INLINE Ints dot(Ints sums, Steps w, int32_t x) {
    const __m256i four = _mm256_set1_epi32(x);
    return {dot(sums.a, w.signs.a, w.sizes.a, four), dot(sums.b, w.signs.b, w.sizes.b, four)};
}
INLINE Floats to_floats(NibbleSums sums) {
    const __m256i one = _mm256_set1_epi16(1);
    return to_floats(Ints{_mm256_madd_epi16(sums.a, one), _mm256_madd_epi16(sums.b, one)});
}

#endif
