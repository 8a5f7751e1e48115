/* The feed-forward sublayer, gated (arXiv:2002.05202) or plain. Step thread; rows and panels are shared over the
 * workers. */
#include "forward.h"

/* The activation, in place over the gate's half. */
static void gate_rows(const struct rows_call *call, uint32_t first, uint32_t end)
{
    const struct forward *forward = call->forward;
    const struct ffn_weights *ffn = &call->sublayer->ffn;

    for (uint32_t row = first; row < end; row++) {
        float *gate = forward->wide + row * forward->wide_stride;
        ffn->gate(gate, ffn->gated ? gate + ffn->inner : NULL, gate, ffn->inner);
    }
}

void ffn_apply(const struct sublayer *sublayer, struct forward *forward, const float *in, float *delta)
{
    const struct ffn_weights *ffn = &sublayer->ffn;
    const struct kernels *kernels = forward->program->kernels;
    size_t hidden = forward->program->arch->hidden;

    gemm(forward->pool, kernels, ffn->in, in, hidden, forward->wide, forward->wide_stride, forward->row_count);
    forward_share_rows(&(struct rows_call){gate_rows, forward, sublayer, NULL});
    gemm(forward->pool, kernels, ffn->out, forward->wide, forward->wide_stride, delta, hidden, forward->row_count);
}
