// Attention of a few consecutive tokens over their own sequence's keys and values.
//
// Keys lie in blocks of 16 positions, [length/16][dim/2][16][2] in bf16 and [length/16][dim][16] in fp32, so that one
// instruction serves 16 positions; values in pairs of positions, [length/2][dim][2], or as they come in fp32.
// Every token is computed by the same operations in the same order whatever stands beside it: what it doesn't see
// has probability zero, and adding zeros changes no sum.
#pragma once
#include "products.h"

constexpr int MOST_GROUP = 16;  // query heads that share a key head
constexpr int MOST_DIM = 256;
constexpr int MOST_TOKENS = 4;  // tokens that share the loads of keys and values
constexpr int BLOCK = 16;       // positions that lie together

// Which blocks a token sees, in order: the first `sinks` and then those of a ring of `ring`, from block `shift` on.
struct View {
    int64_t sinks, ring, shift;
    int64_t place(int64_t block) const {
        if (block < sinks) return block;
        block += shift;
        return block < sinks + ring ? block : block - ring;
    }
};

// Consecutive tokens of one sequence that see the same blocks; `lengths` counts the positions each sees.
struct Tile {
    int64_t first, count;
    View view;
    int64_t lengths[MOST_TOKENS];
};

// Write a head's keys and values (`k`, `v`: [dim], fp32) at place `t`.
static inline void write_kv(bool wide, void* keys, void* values, int64_t t, int64_t dim, const float* k, const float* v) {
    int64_t block = t / BLOCK * BLOCK * dim, lane = t % BLOCK;
    if (wide) {
        float *key = (float*)keys + block + lane, *value = (float*)values + t * dim;
        for (int64_t d = 0; d < dim; d++) key[d * BLOCK] = k[d], value[d] = v[d];
    } else {
        uint16_t *key = (uint16_t*)keys + block + lane * 2, *value = (uint16_t*)values + t / 2 * 2 * dim + t % 2;
        for (int64_t d = 0; d < dim; d++) key[d / 2 * 32 + d % 2] = to_bf16(k[d]), value[d * 2] = to_bf16(v[d]);
    }
}

static inline Mask seen_of(int64_t length, int64_t block) {
    const int64_t left = length - block * BLOCK;
    return left >= BLOCK ? first_lanes(BLOCK) : left <= 0 ? first_lanes(0) : first_lanes(left);
}

// Scores to probabilities, in place and not yet divided by their sum, which is answered.
template <bool HALF>
static inline float exponentials(float* scores, int64_t blocks, Floats most) {
    const Floats top = all(greatest_of(most)), none = all(-INFINITY);
    Floats total = zeros();
    for (int64_t b = 0; b < blocks; b++) {
        const Floats s = load(scores + b * BLOCK);
        const Mask real = above(s, none);
        const Floats p = only(real, exp_ps(s - top));
        total = total + p;
        // Packed in place: the bf16 weights of a block take the first half of its own scores.
        if (HALF) store_bf16(scores + b * BLOCK, p);
        else store(scores + b * BLOCK, p);
    }
    return sum_of(total);
}

// Blocks of keys, then of values, then of what comes next, as one stream that is fetched ahead of its use. Only for
// single tokens, which read everything once; several tokens find most of it in the cache.
struct Stream {
    const char *keys, *values, *next;
    View view;
    int64_t blocks, bytes;  // bytes of a block
    static constexpr int64_t AHEAD = 8;
    const char* keys_ahead(int64_t b) const {
        b += AHEAD;
        return b < blocks ? keys + view.place(b) * bytes : values_at(b - blocks);
    }
    const char* values_ahead(int64_t b) const {
        b += AHEAD;
        return b < blocks ? values_at(b) : next + std::min(b - blocks, AHEAD - 1) * bytes;
    }
    const char* values_at(int64_t b) const { return values + view.place(std::min(b, blocks - 1)) * bytes; }
};

// out[r][d …] = Σ p[r] · values for R rows and 16 V channels from `d` on.
template <int R, int V, bool AHEAD>
static inline void weigh(const uint16_t* values, const View& view, int64_t length, int64_t dim, int64_t d,
                         const float* scores, int64_t padded, const float* whole, float* const* out, const Stream& s) {
    Floats sums[R][V];
#pragma GCC unroll 16
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) sums[r][v] = zeros();
    for (int64_t b = 0; b * BLOCK < length; b++) {
        const int64_t count = std::min<int64_t>(BLOCK / 2, (length - b * BLOCK + 1) / 2);
        const uint16_t* value = values + (view.place(b) * BLOCK / 2 * dim + d) * 2;
        const char* ahead = AHEAD ? s.values_ahead(b) : nullptr;
        const float* p = scores + b * BLOCK;
        for (int64_t j = 0; j < count; j++, value += dim * 2) {
            Twos w[V];
#pragma GCC unroll 4
            for (int v = 0; v < V; v++) {
                w[v] = load_twos(value + v * 32);
                if (AHEAD) _mm_prefetch(ahead + (j * dim + d) * 4 + v * 64, _MM_HINT_T1);
            }
#pragma GCC unroll 16
            for (int r = 0; r < R; r++) {
                const Two pair = all_two(((const int32_t*)(p + r * padded))[j]);
#pragma GCC unroll 4
                for (int v = 0; v < V; v++) sums[r][v] = dot(sums[r][v], w[v], pair);
            }
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int v = 0; v < V; v++)
            store(out[r] + d + v * 16, sums[r][v] / all(whole[r]));
}

// G query heads of T tokens; `q` and `out` point to each token's first head. `scores` is scratch of
// G * T * (the blocks seen + 1) * 16.
template <int G, int T>
static void attend_bf16(const uint16_t* keys, const uint16_t* values, const Tile& tile, int64_t dim,
                        const float* const* q, float* scores, float* const* out, const char* next) {
    constexpr int R = G * T, TOGETHER = R <= TWO_BLOCKS ? 2 : 1;
    const int64_t length = tile.lengths[T - 1], blocks = (length + BLOCK - 1) / BLOCK;
    const int64_t padded = (blocks + 1) * BLOCK;
    const View view = tile.view;
    const Stream stream{(const char*)keys, (const char*)values, next, view, blocks, BLOCK * dim * 2};
    alignas(64) uint32_t pairs[MOST_DIM / 2][R];
    for (int r = 0; r < R; r++) {
        const float* x = q[r / G] + r % G * dim;
        for (int64_t d = 0; d < dim; d += 2) pairs[d / 2][r] = to_bf16(x[d]) | (uint32_t)to_bf16(x[d + 1]) << 16;
    }
    Floats most[R];
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) most[r] = all(-INFINITY);
    for (int64_t b = 0; b < blocks; b += TOGETHER) {
        // More sums in flight than the instruction takes cycles, and each query is loaded once for two blocks.
        // The last block of an odd number is computed twice.
        const uint16_t* block[TOGETHER];
        const char* ahead[TOGETHER];
        for (int i = 0; i < TOGETHER; i++) {
            block[i] = keys + view.place(std::min(b + i, blocks - 1)) * BLOCK * dim;
            if (T == 1) ahead[i] = stream.keys_ahead(b + i);
        }
        Floats sums[TOGETHER][R];
#pragma GCC unroll 2
        for (int i = 0; i < TOGETHER; i++)
#pragma GCC unroll 16
            for (int r = 0; r < R; r++) sums[i][r] = zeros();
        for (int64_t d = 0; d < dim / 2; d++) {
            Twos k[TOGETHER];
#pragma GCC unroll 2
            for (int i = 0; i < TOGETHER; i++) {
                k[i] = load_twos(block[i] + d * 32);
                if (T == 1) _mm_prefetch(ahead[i] + d * 64, _MM_HINT_T1);
            }
#pragma GCC unroll 16
            for (int r = 0; r < R; r++) {
                const Two pair = all_two(pairs[d][r]);
#pragma GCC unroll 2
                for (int i = 0; i < TOGETHER; i++) sums[i][r] = dot(sums[i][r], k[i], pair);
            }
        }
#pragma GCC unroll 2
        for (int i = 0; i < TOGETHER; i++)
#pragma GCC unroll 16
            for (int r = 0; r < R; r++) {
                const Mask seen = seen_of(tile.lengths[r / G], b + i);
                const Floats found = choose(seen, sums[i][r], all(-INFINITY));
                most[r] = greater(most[r], found);
                store(scores + r * padded + (b + i) * BLOCK, found);
            }
    }
    float whole[R];
    float* rows[R];
    for (int r = 0; r < R; r++) {
        whole[r] = exponentials<true>(scores + r * padded, blocks, most[r]);
        rows[r] = out[r / G] + r % G * dim;
    }
    constexpr int V = R <= FOUR_VECTORS ? 4 : R <= TWO_VECTORS ? 2 : 1;
    int64_t d = 0;
    for (; d + V * 16 <= dim; d += V * 16)
        weigh<R, V, T == 1>(values, view, length, dim, d, scores, padded, whole, rows, stream);
    if (d < dim) weigh<R, 2, T == 1>(values, view, length, dim, d, scores, padded, whole, rows, stream);
}

template <int G>
static void attend_f32(const float* keys, const float* values, const View& view, int64_t length, int64_t dim,
                       const float* q, float* scores, float* out) {
    const int64_t blocks = (length + BLOCK - 1) / BLOCK;
    for (int g = 0; g < G; g++) {
        Floats most = all(-INFINITY);
        for (int64_t b = 0; b < blocks; b++) {
            const float* block = keys + view.place(b) * BLOCK * dim;
            Floats sum = zeros();
            for (int64_t d = 0; d < dim; d++)
                sum = multiply_add(load(block + d * BLOCK), all(q[g * dim + d]), sum);
            sum = choose(seen_of(length, b), sum, all(-INFINITY));
            most = greater(most, sum);
            store(scores + b * BLOCK, sum);
        }
        const Floats whole = all(exponentials<false>(scores, blocks, most));
        for (int64_t d = 0; d < dim; d += 16) {
            Floats sum = zeros();
            for (int64_t t = 0; t < length; t++) {
                const float* value = values + (view.place(t / BLOCK) * BLOCK + t % BLOCK) * dim + d;
                sum = multiply_add(load(value), all(scores[t]), sum);
            }
            store(out + g * dim + d, sum / whole);
        }
    }
}

template <int G>
static void attend_some(bool wide, const void* k, const void* v, const Tile& tile, int64_t dim, const float* const* q,
                        float* scores, float* const* out, const char* next) {
    const uint16_t *keys = (const uint16_t*)k, *values = (const uint16_t*)v;
    if (wide)
        for (int64_t t = 0; t < tile.count; t++)
            attend_f32<G>((const float*)k, (const float*)v, tile.view, tile.lengths[t], dim, q[t], scores, out[t]);
    else if (tile.count == 4) attend_bf16<G, G < 4 ? 4 : 1>(keys, values, tile, dim, q, scores, out, next);
    else if (tile.count == 3) attend_bf16<G, 3>(keys, values, tile, dim, q, scores, out, next);
    else if (tile.count == 2) attend_bf16<G, 2>(keys, values, tile, dim, q, scores, out, next);
    else attend_bf16<G, 1>(keys, values, tile, dim, q, scores, out, next);
}

// Any group size, in pieces that fit the registers. `q`, `out`: each token's `[group][dim]`; `next`: keys that are
// wanted after these. `scores` is scratch of SCORE_ROWS * (the positions seen + 32).
constexpr int64_t SCORE_ROWS = 4 * MOST_TOKENS;
static void attend(bool wide, const void* k, const void* v, const Tile& tile, int64_t dim, int64_t group,
                   const float* const* q, float* scores, float* const* out, const char* next) {
    for (int64_t done = 0; done < group;) {
        const float* queries[MOST_TOKENS];
        float* outs[MOST_TOKENS];
        for (int64_t t = 0; t < tile.count; t++) queries[t] = q[t] + done * dim, outs[t] = out[t] + done * dim;
        const int64_t part = std::min<int64_t>(group - done, 4);
        if (part == 4) attend_some<4>(wide, k, v, tile, dim, queries, scores, outs, next);
        else if (part == 3) attend_some<3>(wide, k, v, tile, dim, queries, scores, outs, next);
        else if (part == 2) attend_some<2>(wide, k, v, tile, dim, queries, scores, outs, next);
        else attend_some<1>(wide, k, v, tile, dim, queries, scores, outs, next);
        done += part;
    }
}
