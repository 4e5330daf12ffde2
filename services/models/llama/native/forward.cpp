// A Llama-shaped decoder over slots, all layers in one call: one run of the team, a barrier between phases.
#include <vector>

#include "gated.h"
#include "model.h"
#include "team.h"

using Member = Team::Member;

static void normed(const float* x, const float* weight, int64_t n, double eps, float* out) {
    Floats sum = zeros();
    for (int64_t i = 0; i < n; i += 16) {
        Floats v = load(x + i);
        sum = multiply_add(v, v, sum);
    }
    Floats factor = all(1.0f / std::sqrt(sum_of(sum) / n + (float)eps));
    for (int64_t i = 0; i < n; i += 16) {
        Floats v = load(x + i) * factor;
        store(out + i, v * load(weight + i));
    }
}

static int64_t greatest(const float* x, int64_t n) {
    Floats most = all(-INFINITY);
    Ints place = all_ints(0), at = counting();
    for (int64_t i = 0; i < n; i += LANES, at = add(at, all_ints(LANES))) {
        const Mask there = n - i >= LANES ? first_lanes(LANES) : first_lanes((int)(n - i));
        const Floats found = load(there, x + i);
        const Mask more = above(there, found, most);
        most = choose(more, found, most);
        place = choose(more, at, place);
    }
    const Mask same = equal(most, all(greatest_of(most)));
    return smallest_of(same, place);
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

// The pair of an adapter for one matrix of one layer, or null.
static const Pair* pair_of(const Batch& b, int64_t adapter, int64_t layer, int which) {
    if (adapter == 0) return nullptr;
    const Pair* pair = b.pairs[adapter - 1] + layer * 4 + which;
    return pair->down.data ? pair : nullptr;
}

// The part of a fused matrix that a panel belongs to.
static int64_t part_of(const Shape& s, int which, int64_t panel) {
    if (which == 2) return panel & 1;
    if (which != 0) return 0;
    int64_t keys = s.heads * s.dim / LANES, values = keys + s.kv_heads * s.dim / LANES;
    return (panel >= keys) + (panel >= values);
}

static std::vector<Run> runs_of(const Batch& b) {
    std::vector<Run> runs;
    if (!b.adapters) return runs;
    for (int64_t t = 0; t < b.tokens; t++) {
        const bool joins = t % MOST_ROWS && !runs.empty() && runs.back().row + runs.back().count == t &&
                           runs.back().adapter == b.adapters[t];
        if (joins) runs.back().count++;
        else if (b.adapters[t]) runs.push_back({t, 1, b.adapters[t]});
    }
    return runs;
}

constexpr int SHARED_PANELS = 2;  // that a thread takes at a time

// All runs' down products for one matrix; ends at a barrier.
static void low_rank(Member& member, const Batch& b, int64_t layer, int which, const Input& in, const std::vector<Run>& runs,
                     const Low& low) {
    const int64_t panels = b.low / LANES;
    member.each((int64_t)runs.size() * panels, 1, [&](int64_t item) {
        const Run& run = runs[item / panels];
        const Pair* pair = pair_of(b, run.adapter, layer, which);
        if (pair && item % panels < pair->down.n / LANES) low_panel(*pair, item % panels, in, run, low);
    });
}

static void add_low_rank(const Batch& b, const Shape& s, int64_t layer, int which, const Low& low, int64_t panel,
                         int64_t row, int count, Floats* out) {
    if (!b.adapters) return;
    const int64_t part = part_of(s, which, panel);
    for (int r = 0; r < count;) {
        const int64_t adapter = b.adapters[row + r];
        int same = r + 1;
        while (same < count && b.adapters[row + same] == adapter) same++;
        if (const Pair* pair = pair_of(b, adapter, layer, which))
            lift(*pair, panel, part, low.at + (row + r) * low.stride, low.stride, same - r, out + r);
        r = same;
    }
}

// x += matrix · in, all tokens.
static void add_product(Member& member, const Matrix& m, const Input& in, const Batch& b, const Shape& s,
                        int64_t layer, int which, const Low& low, float* x, bool replace) {
    member.each(m.n / LANES, SHARED_PANELS, [&](int64_t panel) {
        for (int64_t row = 0; row < b.tokens; row += MOST_ROWS) {
            int count = (int)std::min<int64_t>(MOST_ROWS, b.tokens - row);
            Floats out[MOST_ROWS];
            panel_product(m, panel, in, row, count, out);
            add_low_rank(b, s, layer, which, low, panel, row, count, out);
            for (int r = 0; r < count; r++) {
                float* at = x + (row + r) * m.n + panel * LANES;
                store(at, replace ? out[r] : load(at) + out[r]);
            }
        }
    });
}

static std::vector<Tile> tiles_of(const Batch& b, int64_t group) {
    const int64_t most = b.wide ? 1 : std::min<int64_t>(MOST_TOKENS, 12 / std::min<int64_t>(group, 4));
    std::vector<Tile> tiles;
    for (int64_t t = 0; t < b.tokens; t++) {
        const int64_t length = b.positions[t] + 1 - b.evicted(b.positions[t]);
        if (t && !tiles.empty()) {
            Tile& last = tiles.back();
            const bool follows = b.slots[t] == b.slots[t - 1] && b.positions[t] == b.positions[t - 1] + 1;
            if (follows && last.count < most && b.evicted(b.positions[t]) == b.evicted(b.positions[t - 1])) {
                last.lengths[last.count++] = length;
                continue;
            }
        }
        tiles.push_back({t, 1, b.view(b.positions[t]), {length}});
    }
    return tiles;
}

// Whether every tile is of another sequence, as in a step.
static bool tiles_apart(const std::vector<Tile>& tiles, const Batch& b) {
    for (size_t i = 1; i < tiles.size(); i++)
        if (b.slots[tiles[i].first] == b.slots[tiles[i - 1].first]) return false;
    return true;
}

static void attention_phase(Member& member, Model& model, const Layer& layer, const Batch& b, int64_t index,
                            const std::vector<Tile>& tiles, int64_t longest, const Input& out) {
    const Shape& s = model.shape;
    const int64_t width = (s.heads + 2 * s.kv_heads) * s.dim, group = s.heads / s.kv_heads;
    const int64_t size = b.wide ? 4 : 2;
    auto place = [&](void* base, int64_t t, int64_t head) {
        return (char*)base + size * (index * b.layer_stride + b.slots[t] * b.slot_stride + head * b.head_stride);
    };
    auto bring = [&](int64_t t, int64_t head) {  // turn a token's queries and key, write its key and value
        const int64_t position = b.positions[t];
        float *row = model.qkv.at + t * width, *k = row + (s.heads + head) * s.dim;
        const float *cosines = model.cosines + position * s.dim / 2, *sines = model.sines + position * s.dim / 2;
        const float scale = 1.0f / std::sqrt((float)s.dim);
        if (layer.key_norm) normed(k, layer.key_norm, s.dim, s.eps, k);
        rotate(k, cosines, sines, s.dim);
        write_kv(b.wide, place(b.keys, t, head), place(b.values, t, head), b.place(position), s.dim, k,
                 k + s.kv_heads * s.dim);
        for (int64_t g = 0; g < group; g++) {
            float* q = row + (head * group + g) * s.dim;
            if (layer.query_norm) normed(q, layer.query_norm, s.dim, s.eps, q);
            rotate(q, cosines, sines, s.dim);
            for (int64_t i = 0; i < s.dim; i++) q[i] *= scale;
        }
    };
    float* scores = model.scores.at + member.index * SCORE_ROWS * (longest + 2 * BLOCK);
    const int64_t count = (int64_t)tiles.size();
    const bool apart = tiles_apart(tiles, b);  // no token looks at what another one writes now
    if (!apart) {
        member.each(b.tokens * s.kv_heads, 4,
                    [&](int64_t item) { bring(item / s.kv_heads, item % s.kv_heads); });
    }
    const int64_t some = count * s.kv_heads < 16 * member.count ? 1 : 4;
    // Head by head: the tokens of a prompt find their keys still in the cache.
    member.each(count * s.kv_heads, some, [&](int64_t item) {
        const Tile& tile = tiles[item % count];
        const int64_t head = item / count, after = std::min(item + 1, count * s.kv_heads - 1);
        alignas(64) float done[MOST_TOKENS][MOST_GROUP * MOST_DIM];
        const float* queries[MOST_TOKENS];
        float* outs[MOST_TOKENS];
        for (int64_t i = 0; i < tile.count; i++) {
            if (apart) bring(tile.first + i, head);
            queries[i] = model.qkv.at + (tile.first + i) * width + head * group * s.dim;
            outs[i] = done[i];
        }
        attend(b.wide, place(b.keys, tile.first, head), place(b.values, tile.first, head), tile, s.dim, group, queries,
               scores, outs, place(b.keys, tiles[after % count].first, after / count));
        for (int64_t i = 0; i < tile.count; i++)
            for (int64_t at = 0; at < group * s.dim; at += GROUP)
                out.store(layer.output.format, tile.first + i, head * group * s.dim + at, done[i] + at);
    });
}

static void feed_phase(Member& member, const Layer& layer, const Batch& b, const Shape& s, int64_t index, const Input& in,
                       const Low& low, const Input& out) {
    constexpr int PARTS = GROUP / LANES;
    member.each(s.inner / GROUP, 1, [&](int64_t part) {
        for (int64_t row = 0; row < b.tokens; row += MOST_ROWS) {
            int count = (int)std::min<int64_t>(MOST_ROWS, b.tokens - row);
            float done[MOST_ROWS][GROUP];
            for (int h = 0; h < PARTS; h++) {
                Floats gate[MOST_ROWS], up[MOST_ROWS];
                int64_t panel = (part * PARTS + h) * 2;
                panel_product(layer.gate_up, panel, in, row, count, gate);
                add_low_rank(b, s, index, 2, low, panel, row, count, gate);
                panel_product(layer.gate_up, panel + 1, in, row, count, up);
                add_low_rank(b, s, index, 2, low, panel + 1, row, count, up);
                for (int r = 0; r < count; r++)
                    store(done[r] + h * LANES, silu(gate[r]) * up[r]);
            }
            for (int r = 0; r < count; r++) out.store(layer.down.format, row + r, part * GROUP, done[r]);
        }
    });
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
    const bool pairs = b.adapters != nullptr;
    Input hidden = model->hidden_in.need(first.qkv.format, b.tokens, s.hidden, pairs);
    Input attended = model->attended_in.need(first.output.format, b.tokens, s.heads * s.dim, pairs);
    Input inner = model->inner_in.need(first.down.format, b.tokens, s.inner, pairs);
    float* qkv = model->qkv.need(b.tokens * (s.heads + 2 * s.kv_heads) * s.dim);
    const Low low{model->low.need(pairs ? b.tokens * b.low : 1), b.low};
    const std::vector<Run> runs = runs_of(b);
    const std::vector<Tile> tiles = tiles_of(b, s.heads / s.kv_heads);
    int64_t longest = 0;
    for (const Tile& tile : tiles) longest = std::max(longest, tile.lengths[tile.count - 1]);
    model->scores.need(threads * SCORE_ROWS * (longest + 2 * BLOCK));
    float* rows = model->normed.need(threads * s.hidden);
    Team::of(threads).run(threads, [&](Member& member) {
        auto norm = [&](const float* weight, const Matrix& next) {
            float* row = rows + member.index * s.hidden;
            member.each(b.tokens, 1, [&](int64_t t) {
                normed(x + t * s.hidden, weight, s.hidden, s.eps, row);
                store_row(hidden, next.format, t, row);
            });
        };
        for (int64_t index = 0; index < s.layers; index++) {
            const Layer& layer = model->layers[index];
            norm(layer.attention_norm, layer.qkv);
            if (pairs) low_rank(member, b, index, 0, hidden, runs, low);
            add_product(member, layer.qkv, hidden, b, s, index, 0, low, qkv, true);
            attention_phase(member, *model, layer, b, index, tiles, longest, attended);
            if (pairs) low_rank(member, b, index, 1, attended, runs, low);
            add_product(member, layer.output, attended, b, s, index, 1, low, x, false);
            norm(layer.feed_norm, layer.gate_up);
            if (pairs) low_rank(member, b, index, 2, hidden, runs, low);
            feed_phase(member, layer, b, s, index, hidden, low, inner);
            if (pairs) low_rank(member, b, index, 3, inner, runs, low);
            add_product(member, layer.down, inner, b, s, index, 3, low, x, false);
        }
    });
}

// out[rows][n] = matrix · x[rows][k].
void antiphon_product(Model* model, const Matrix* matrix, const float* x, int64_t rows, float* out, int threads) {
    const Matrix& m = *matrix;
    Input in = model->head_in.need(m.format, rows, m.k, false);
    Team::of(threads).run(threads, [&](Member& member) {
        member.each(rows, 1, [&](int64_t r) { store_row(in, m.format, r, x + r * m.k); });
        member.each(m.n / LANES, SHARED_PANELS, [&](int64_t panel) {
            for (int64_t row = 0; row < rows; row += MOST_ROWS) {
                int count = (int)std::min<int64_t>(MOST_ROWS, rows - row);
                Floats sums[MOST_ROWS];
                panel_product(m, panel, in, row, count, sums);
                for (int r = 0; r < count; r++) store(out + (row + r) * m.n + panel * LANES, sums[r]);
            }
        });
    });
}

// Fuse `x: [rows][hidden]` in place; see gated.h.
void antiphon_gated(Model* model, const GatedHead* head, float* x, const float* late, const float* told,
                    const float* marks, int64_t rows, int threads) {
    gated(*model, *head, x, late, told, marks, rows, threads);
}

// The place of the greatest of each row, the first of equals: best[rows], x[rows][stride].
void antiphon_greatest(const float* x, int64_t rows, int64_t n, int64_t stride, int64_t* best, int threads) {
    Team::of(threads).run(threads, [&](Member& member) {
        member.each(rows, 1, [&](int64_t r) { best[r] = greatest(x + r * stride, n); });
    });
}
}
