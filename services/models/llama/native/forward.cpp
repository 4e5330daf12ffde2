// A Llama-shaped decoder over slots, all layers in one call: one parallel region, a barrier between phases.
#include <omp.h>

#include <new>

#include "attention.h"

struct Layer {
    Matrix qkv, output, gate_up, down;  // gate_up: its panels alternate between gate and up
    const float *attention_norm, *feed_norm, *query_norm, *key_norm;  // the last two may be null
};

// Low-rank pairs for one matrix: out += up · (down · x), fp32. A fused matrix has a pair for each of its parts (query,
// key, value; gate, up): `down: [parts * rank][k]`, and `up: [n/16][rank][16]` reads its own part's share.
struct Pair {
    const float *down, *up;
    int64_t rank, parts;
};

struct Shape {
    int64_t layers, hidden, heads, kv_heads, dim, inner;
    double eps;
};

struct Batch {
    int64_t tokens;
    const int32_t *slots, *positions, *adapters;  // adapters: 0 is none; may be null
    void *keys, *values;                          // [layers][slots][kv_heads][length][dim]
    int64_t layer_stride, slot_stride, head_stride;
    int64_t wide;          // keys and values are fp32
    const Pair* const* pairs;  // by adapter - 1: [layers][4], `down` null where there is none
    int64_t rank;              // the greatest rank
    int64_t longest;       // greatest position + 1
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
    Buffer<float> wide, scale, sum, plain;
    Buffer<uint16_t> half;
    Buffer<int8_t> steps;
    Input need(int64_t format, int64_t rows, int64_t k, bool keep_plain) {
        Input in{k, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
        rows = (rows + MOST_ROWS - 1) / MOST_ROWS * MOST_ROWS;
        if (keep_plain) in.plain = plain.need(rows * k);
        if (format == F32) in.wide = wide.need(rows * k);
        if (format == BF16) in.half = half.need(rows * k);
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
    InputBuffer hidden_in, attended_in, inner_in, head_in;
    Buffer<float> qkv, low, scores;
};

static void normed(const float* x, const float* weight, int64_t n, double eps, float* out) {
    __m512 sum = _mm512_setzero_ps();
    for (int64_t i = 0; i < n; i += 16) {
        __m512 v = _mm512_loadu_ps(x + i);
        sum = _mm512_fmadd_ps(v, v, sum);
    }
    __m512 factor = _mm512_set1_ps(1.0f / std::sqrt(_mm512_reduce_add_ps(sum) / n + (float)eps));
    for (int64_t i = 0; i < n; i += 16) {
        __m512 v = _mm512_mul_ps(_mm512_loadu_ps(x + i), factor);
        _mm512_storeu_ps(out + i, _mm512_mul_ps(v, _mm512_loadu_ps(weight + i)));
    }
}

static void store_row(const Input& in, int64_t format, int64_t row, const float* x) {
    for (int64_t at = 0; at < in.k; at += GROUP) in.store(format, row, at, x + at);
}

static void rotate(float* x, const float* cosines, const float* sines, int64_t dim) {
    for (int64_t i = 0; i < dim / 2; i++) {
        float a = x[i], b = x[i + dim / 2];
        x[i] = a * cosines[i] - b * sines[i];
        x[i + dim / 2] = b * cosines[i] + a * sines[i];
    }
}

constexpr int MOST_PARTS = 3;

// The adapter of token t for one matrix of one layer, or null.
static const Pair* pair_of(const Batch& b, int64_t t, int64_t layer, int which) {
    if (!b.adapters || b.adapters[t] == 0) return nullptr;
    const Pair* pair = b.pairs[b.adapters[t] - 1] + layer * 4 + which;
    return pair->down ? pair : nullptr;
}

// The part of a fused matrix that a panel belongs to.
static int64_t part_of(const Shape& s, int which, int64_t panel) {
    if (which == 2) return panel & 1;
    if (which != 0) return 0;
    int64_t keys = s.heads * s.dim / LANES, values = keys + s.kv_heads * s.dim / LANES;
    return (panel >= keys) + (panel >= values);
}

// low[t] = down · x[t] for N tokens of one adapter, which share the loads.
template <int N>
static void low_rank_rows(const Pair* pair, const Input& in, int64_t t, int64_t stride, float* low) {
    for (int64_t j = 0; j < pair->rank * pair->parts; j++) {
        const float* row = pair->down + j * in.k;
        __m512 one[N], two[N];
        for (int n = 0; n < N; n++) one[n] = two[n] = _mm512_setzero_ps();
        for (int64_t i = 0; i < in.k; i += 32) {
            const __m512 a = _mm512_loadu_ps(row + i), b = _mm512_loadu_ps(row + i + 16);
            for (int n = 0; n < N; n++) {
                one[n] = _mm512_fmadd_ps(a, _mm512_loadu_ps(in.plain + (t + n) * in.k + i), one[n]);
                two[n] = _mm512_fmadd_ps(b, _mm512_loadu_ps(in.plain + (t + n) * in.k + i + 16), two[n]);
            }
        }
        for (int n = 0; n < N; n++)
            low[(t + n) * stride + j] = _mm512_reduce_add_ps(_mm512_add_ps(one[n], two[n]));
    }
}

// All tokens, four at a time; ends at a barrier.
static void low_rank(const Batch& b, int64_t layer, int which, const Input& in, float* low) {
    const int64_t stride = b.rank * MOST_PARTS;
#pragma omp for schedule(static)
    for (int64_t first = 0; first < b.tokens; first += 4)
        for (int64_t t = first, end = std::min(first + 4, b.tokens); t < end;) {
            const Pair* pair = pair_of(b, t, layer, which);
            int64_t same = t + 1;
            while (same < end && pair_of(b, same, layer, which) == pair) same++;
            if (pair) {
                if (same - t == 4) low_rank_rows<4>(pair, in, t, stride, low);
                else if (same - t == 3) low_rank_rows<3>(pair, in, t, stride, low);
                else if (same - t == 2) low_rank_rows<2>(pair, in, t, stride, low);
                else low_rank_rows<1>(pair, in, t, stride, low);
            }
            t = same;
        }
}

static void add_low_rank(const Batch& b, const Shape& s, int64_t layer, int which, const float* low, int64_t panel,
                         int64_t row, int count, __m512* out) {
    if (!b.adapters) return;
    const int64_t part = part_of(s, which, panel);
    for (int r = 0; r < count; r++) {
        const Pair* pair = pair_of(b, row + r, layer, which);
        if (!pair) continue;
        const float* up = pair->up + panel * pair->rank * LANES;
        const float* t = low + (row + r) * b.rank * MOST_PARTS + part * pair->rank;
        __m512 sum = out[r];
        for (int64_t j = 0; j < pair->rank; j++)
            sum = _mm512_fmadd_ps(_mm512_loadu_ps(up + j * LANES), _mm512_set1_ps(t[j]), sum);
        out[r] = sum;
    }
}

// x += matrix · in, all tokens.
static void add_product(const Matrix& m, const Input& in, const Batch& b, const Shape& s, int64_t layer, int which,
                        const float* low, float* x, bool replace) {
#pragma omp for schedule(static)
    for (int64_t panel = 0; panel < m.n / LANES; panel++)
        for (int64_t row = 0; row < b.tokens; row += MOST_ROWS) {
            int count = (int)std::min<int64_t>(MOST_ROWS, b.tokens - row);
            __m512 out[MOST_ROWS];
            panel_product(m, panel, in, row, count, out);
            add_low_rank(b, s, layer, which, low, panel, row, count, out);
            for (int r = 0; r < count; r++) {
                float* at = x + (row + r) * m.n + panel * LANES;
                _mm512_storeu_ps(at, replace ? out[r] : _mm512_add_ps(_mm512_loadu_ps(at), out[r]));
            }
        }
}

static void attention_phase(Model& model, const Layer& layer, const Batch& b, int64_t index, const Input& out) {
    const Shape& s = model.shape;
    const int64_t width = (s.heads + 2 * s.kv_heads) * s.dim, group = s.heads / s.kv_heads;
    const int64_t size = b.wide ? 4 : 2;
    auto place = [&](void* base, int64_t t, int64_t head) {
        return (char*)base + size * (index * b.layer_stride + b.slots[t] * b.slot_stride + head * b.head_stride);
    };
#pragma omp for schedule(static)
    for (int64_t item = 0; item < b.tokens * s.kv_heads; item++) {
        int64_t t = item / s.kv_heads, head = item % s.kv_heads, position = b.positions[t];
        float *row = model.qkv.at + t * width, *k = row + (s.heads + head) * s.dim;
        const float *cosines = model.cosines + position * s.dim / 2, *sines = model.sines + position * s.dim / 2;
        const float scale = 1.0f / std::sqrt((float)s.dim);
        if (layer.key_norm) normed(k, layer.key_norm, s.dim, s.eps, k);
        rotate(k, cosines, sines, s.dim);
        write_kv(b.wide, place(b.keys, t, head), place(b.values, t, head), position, s.dim, k, k + s.kv_heads * s.dim);
        for (int64_t g = 0; g < group; g++) {
            float* q = row + (head * group + g) * s.dim;
            if (layer.query_norm) normed(q, layer.query_norm, s.dim, s.eps, q);
            rotate(q, cosines, sines, s.dim);
            for (int64_t i = 0; i < s.dim; i++) q[i] *= scale;
        }
    }
    float* scores = model.scores.at + omp_get_thread_num() * 4 * (b.longest + 16);
    // Head by head: the tokens of a prompt find their keys still in the cache.
#pragma omp for schedule(dynamic, 4)
    for (int64_t item = 0; item < b.tokens * s.kv_heads; item++) {
        int64_t t = item % b.tokens, head = item / b.tokens;
        float done[MOST_GROUP * MOST_DIM];
        attend(b.wide, place(b.keys, t, head), place(b.values, t, head), b.positions[t] + 1, s.dim, group,
               model.qkv.at + t * width + head * group * s.dim, scores, done);
        for (int64_t at = 0; at < group * s.dim; at += GROUP)
            out.store(layer.output.format, t, head * group * s.dim + at, done + at);
    }
}

static void feed_phase(const Layer& layer, const Batch& b, const Shape& s, int64_t index, const Input& in,
                       const float* low, const Input& out) {
    constexpr int PARTS = GROUP / LANES;
#pragma omp for schedule(static)
    for (int64_t part = 0; part < s.inner / GROUP; part++)
        for (int64_t row = 0; row < b.tokens; row += MOST_ROWS) {
            int count = (int)std::min<int64_t>(MOST_ROWS, b.tokens - row);
            float done[MOST_ROWS][GROUP];
            for (int h = 0; h < PARTS; h++) {
                __m512 gate[MOST_ROWS], up[MOST_ROWS];
                int64_t panel = (part * PARTS + h) * 2;
                panel_product(layer.gate_up, panel, in, row, count, gate);
                add_low_rank(b, s, index, 2, low, panel, row, count, gate);
                panel_product(layer.gate_up, panel + 1, in, row, count, up);
                add_low_rank(b, s, index, 2, low, panel + 1, row, count, up);
                for (int r = 0; r < count; r++)
                    _mm512_storeu_ps(done[r] + h * LANES, _mm512_mul_ps(silu(gate[r]), up[r]));
            }
            for (int r = 0; r < count; r++) out.store(layer.down.format, row + r, part * GROUP, done[r]);
        }
}

extern "C" {

Model* antiphon_new(const Shape* shape, const Layer* layers, const float* cosines, const float* sines) {
    Model* model = new Model();
    model->shape = *shape;
    model->layers = new Layer[shape->layers];
    std::copy(layers, layers + shape->layers, model->layers);
    model->cosines = cosines;
    model->sines = sines;
    return model;
}

void antiphon_free(Model* model) {
    delete[] model->layers;
    delete model;
}

// Run `x: [tokens][hidden]` through all layers in place. One caller at a time.
void antiphon_hidden(Model* model, float* x, const Batch* batch, int threads) {
    const Shape& s = model->shape;
    const Batch& b = *batch;
    const Layer& first = model->layers[0];
    const bool wide = b.adapters != nullptr;
    Input hidden = model->hidden_in.need(first.qkv.format, b.tokens, s.hidden, wide);
    Input attended = model->attended_in.need(first.output.format, b.tokens, s.heads * s.dim, wide);
    Input inner = model->inner_in.need(first.down.format, b.tokens, s.inner, wide);
    float* qkv = model->qkv.need(b.tokens * (s.heads + 2 * s.kv_heads) * s.dim);
    float* low = model->low.need(wide ? b.tokens * b.rank * MOST_PARTS : 1);
    model->scores.need(threads * 4 * (b.longest + 16));
#pragma omp parallel num_threads(threads)
    {
        Buffer<float> scratch;
        float* row = scratch.need(s.hidden);
        for (int64_t index = 0; index < s.layers; index++) {
            const Layer& layer = model->layers[index];
#pragma omp for schedule(static)
            for (int64_t t = 0; t < b.tokens; t++) {
                normed(x + t * s.hidden, layer.attention_norm, s.hidden, s.eps, row);
                store_row(hidden, layer.qkv.format, t, row);
            }
            if (wide) low_rank(b, index, 0, hidden, low);
            add_product(layer.qkv, hidden, b, s, index, 0, low, qkv, true);
            attention_phase(*model, layer, b, index, attended);
            if (wide) low_rank(b, index, 1, attended, low);
            add_product(layer.output, attended, b, s, index, 1, low, x, false);
#pragma omp for schedule(static)
            for (int64_t t = 0; t < b.tokens; t++) {
                normed(x + t * s.hidden, layer.feed_norm, s.hidden, s.eps, row);
                store_row(hidden, layer.gate_up.format, t, row);
            }
            if (wide) low_rank(b, index, 2, hidden, low);
            feed_phase(layer, b, s, index, hidden, low, inner);
            if (wide) low_rank(b, index, 3, inner, low);
            add_product(layer.down, inner, b, s, index, 3, low, x, false);
        }
    }
}

// out[rows][n] = matrix · x[rows][k].
void antiphon_product(Model* model, const Matrix* matrix, const float* x, int64_t rows, float* out, int threads) {
    const Matrix& m = *matrix;
    Input in = model->head_in.need(m.format, rows, m.k, false);
#pragma omp parallel num_threads(threads)
    {
#pragma omp for schedule(static)
        for (int64_t r = 0; r < rows; r++) store_row(in, m.format, r, x + r * m.k);
#pragma omp for schedule(static)
        for (int64_t panel = 0; panel < m.n / LANES; panel++)
            for (int64_t row = 0; row < rows; row += MOST_ROWS) {
                int count = (int)std::min<int64_t>(MOST_ROWS, rows - row);
                __m512 sums[MOST_ROWS];
                panel_product(m, panel, in, row, count, sums);
                for (int r = 0; r < count; r++) _mm512_storeu_ps(out + (row + r) * m.n + panel * LANES, sums[r]);
            }
    }
}
}
