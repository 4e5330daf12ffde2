// A fusion head beside the model (services/models/fusion_serving.py): two products with tanh and gates between them.
#pragma once
#include "model.h"
#include "team.h"

struct GatedHead {
    int64_t hidden, late, inner, marks;
    Matrix first;           // [inner + marks] x [hidden + late, padded]
    Matrix back;            // [hidden] x [inner]
    const int32_t* owners;  // the gate of each inner channel
};

static inline Floats logistic(Floats x) {
    const Floats one = all(1.0f);
    return one / (one + exp_ps(zeros() - x));
}

static inline Floats tanh_ps(Floats x) {
    const Floats twice = logistic(x + x);
    return twice + twice - all(1.0f);
}

// x[rows][hidden] += back · (gate * tanh(z)) with z = told + first · (n(x), late); gates are the logistic of z's last
// channels, times marks.
static void gated(Model& model, const GatedHead& head, float* x, const float* late, const float* told,
                  const float* marks, int64_t rows, int threads) {
    const int64_t width = head.inner + head.marks, inner_panels = head.inner / LANES;
    Input in = model.head_in.need(head.first.format, rows, head.first.k, false);
    Input mixed = model.mixed_in.need(head.back.format, rows, head.inner, false);
    float* inputs = model.head_rows.need(threads * head.first.k);
    float* z = model.head_mixed.need(rows * width);
    Team::of(threads).run(threads, [&](Team::Member& member) {
        auto product = [&](const Matrix& m, int64_t begin, int64_t end, const Input& from, auto&& take) {
            member.each(end - begin, 2, [&](int64_t at) {
                for (int64_t row = 0; row < rows; row += MOST_ROWS) {
                    const int count = (int)std::min<int64_t>(MOST_ROWS, rows - row);
                    Floats out[MOST_ROWS];
                    panel_product(m, begin + at, from, row, count, out);
                    for (int r = 0; r < count; r++) take(row + r, (begin + at) * LANES, out[r]);
                }
            });
        };
        member.each(rows, 1, [&](int64_t r) {
            float* to = inputs + member.index * head.first.k;
            const float* from = x + r * head.hidden;
            Floats sum = zeros();
            for (int64_t i = 0; i < head.hidden; i += LANES) {
                const Floats v = load(from + i);
                sum = multiply_add(v, v, sum);
            }
            const float mean = sum_of(sum) / head.hidden;
            const Floats factor = all(1.0f / std::sqrt(mean + 1.1920929e-7f));
            for (int64_t i = 0; i < head.hidden; i += LANES)
                store(to + i, load(from + i) * factor);
            std::copy(late + r * head.late, late + (r + 1) * head.late, to + head.hidden);
            std::fill(to + head.hidden + head.late, to + head.first.k, 0.0f);
            for (int64_t at = 0; at < head.first.k; at += GROUP) in.store(head.first.format, r, at, to + at);
        });
        product(head.first, inner_panels, width / LANES, in, [&](int64_t r, int64_t at, Floats sums) {
            const Floats sum = sums + load(told + r * width + at);
            const Floats mark = load(marks + r * head.marks + at - head.inner);
            store(z + r * width + at, logistic(sum) * mark);
        });
        product(head.first, 0, inner_panels, in, [&](int64_t r, int64_t at, Floats sums) {
            const Floats sum = sums + load(told + r * width + at);
            const Ints owner = load_ints(head.owners + at);
            const Floats gate = gather(z + r * width + head.inner, owner);
            store(z + r * width + at, tanh_ps(sum) * gate);
        });
        member.each(rows, 1, [&](int64_t r) {
            for (int64_t at = 0; at < head.inner; at += GROUP) mixed.store(head.back.format, r, at, z + r * width + at);
        });
        product(head.back, 0, head.hidden / LANES, mixed, [&](int64_t r, int64_t at, Floats sums) {
            float* to = x + r * head.hidden + at;
            store(to, load(to) + sums);
        });
    });
}
