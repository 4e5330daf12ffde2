// What a pass works on: the model's layers and sizes, the batch, scratch that stays between passes.
#pragma once
#include <new>

#include "attention.h"
#include "pairs.h"

struct Layer {
    Matrix qkv, output, gate_up, down;  // gate_up: its panels alternate between gate and up
    const float *attention_norm, *feed_norm, *query_norm, *key_norm;  // the last two may be null
};

struct Shape {
    int64_t layers, hidden, heads, kv_heads, dim, inner;
    double eps;
};

struct Batch {
    int64_t tokens;
    const int32_t *slots, *positions, *adapters;  // adapters: 0 is none; may be null
    void *keys, *values;                          // [layers][slots][kv_heads][places][dim]
    int64_t layer_stride, slot_stride, head_stride;
    int64_t wide;              // keys and values are fp32
    const Pair* const* pairs;  // by adapter - 1: [layers][4], `down.data` null where there is none
    int64_t low;               // most channels of a `down`
    // Past `limit` positions (0: never) a token sees the first `sinks` and the latest ones without the oldest blocks of
    // `block`; what lies behind the sinks is written in a ring of `ring` places. All are multiples of 16.
    int64_t sinks, limit, block, ring;

    int64_t evicted(int64_t t) const { return limit && t >= limit ? ((t - limit) / block + 1) * block : 0; }
    int64_t place(int64_t t) const { return limit && t >= sinks ? sinks + (t - sinks) % ring : t; }
    View view(int64_t t) const {
        if (!limit) return {0, INT64_MAX / 2, 0};
        return {sinks / BLOCK, ring / BLOCK, evicted(t) / BLOCK % (ring / BLOCK)};
    }
};

template <class T>
struct Buffer {  // scratch that grows and stays
    T* at = nullptr;
    size_t size = 0;
    ~Buffer() { operator delete[](at, std::align_val_t(64)); }
    T* need(size_t count) {
        if (count > size) {
            operator delete[](at, std::align_val_t(64));
            at = static_cast<T*>(operator new[](count * sizeof(T), std::align_val_t(64)));
            size = count;
        }
        return at;
    }
};

struct InputBuffer {
    Buffer<float> wide, scale, sum;
    Buffer<uint16_t> half;
    Buffer<int8_t> steps;
    Input need(int64_t format, int64_t rows, int64_t k, bool with_pairs) {
        Input in{k, nullptr, nullptr, nullptr, nullptr, nullptr};
        rows = (rows + MOST_ROWS - 1) / MOST_ROWS * MOST_ROWS;
        if (format == F32 || format == F16) in.wide = wide.need(rows * k);
        if (format == BF16 || (with_pairs && format != F32)) in.half = half.need(rows * k);
        if (format == Q8 || format == Q4) {
            in.steps = steps.need(rows * k);
            in.scale = scale.need(rows * k / GROUP);
            in.sum = sum.need(rows * k / GROUP);
        }
        return in;
    }
};

struct Model {
    Shape shape;
    Layer* layers;
    const float *cosines, *sines;  // [length][dim/2]
    InputBuffer hidden_in, attended_in, inner_in, head_in, mixed_in;
    Buffer<float> qkv, low, scores, normed, head_rows, head_mixed;
};
