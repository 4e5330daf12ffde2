"""The words of a Chinese question that tell what it is about, in the terms that documents are searched by.

Pairs of characters serve to find passages; to weigh a sentence against a question they say too much: the pairs across
two words stand in no document, and those of "how much is it" say nothing. So a question is cut into words here.
"""

from __future__ import annotations

from collections.abc import Callable

import rjieba

from services.common.text_measures import HAN_CHARACTER
from services.knowledge.domain.text import terms

_ASKING = frozenset(
    "请问 问 问下 问问 你们 我们 咱们 他们 你 您 我 咱 想 要 想要 能 能否 可以 可否 是否 吗 呢 吧 啊 呀 嘛 哦 啦"
    " 多少 多少钱 什么 什么样 啥 怎么 怎样 怎么样 怎么办 咋 如何 哪 哪个 哪些 哪里 哪儿 哪种 哪位 哪几 谁 几 几个 几点"
    " 几天 几年 几号 是不是 有没有 能不能 可不可以 会不会 要不要 行不行 麻烦 一下 告诉 知道 时候 什么时候 何时 多久"
    " 多长 多长时间 多大 这 那 这个 那个 这些 那些 这种 那种 的话 如果 要是 假如 的 了 着 过 地 得 在 是 有"
    " 没有 没 不 和 跟 与 及 给 把 被 对 从 到 向 往 由 为 为了 因为 所以 也 都 还 还有 就 才 再 又 最 很 太 比较"
    " 大概 需要 应该 应 必须 得 会 行 好 算 个 款 台 位 件 条 次 下"
    " 里 上 中 内 外 之 以 用 做 让 来 去 请 说 看 找 另外 每"
    " 一 一个 一台 一次 自己 东西 情况 事 事情 方面 关于 有关 而 但 但是 不过 现在 目前 那么 这么 其中 以后 之后 以前"
    " 之前 时 后 前 我家 家里 我的 你们的 花 收 付 卖 花费 单独 准备 打算 弄 搞 拿 给我 发我 只要 一支 一只 一套 几次"
    " 几块 几元 几百 几千 可 还要 想问 了解 到底 究竟 具体 整 咋整 咋样 好不好 名字".split()
)
"""Words that ask or that only join others."""


def question_terms(text: str, idf: Callable[[str], float]) -> list[str]:
    """The terms of a Chinese question's own words, in their order; single characters that make a term of the base
    together ("云" "漪") count as one."""
    found: list[str] = []
    single = ""
    for word in rjieba.cut(text.casefold(), True):
        lone = word if len(word) == 1 and HAN_CHARACTER.match(word) and word not in _ASKING else ""
        if lone and single and idf(single + lone) > 0:
            found[-1:] = [single + lone]
            single = lone
            continue
        single = lone
        if word in _ASKING:
            continue
        if not HAN_CHARACTER.search(word):
            found += terms(word)
        elif len(word) <= 2:
            found.append(word)
        else:
            found += [word[at : at + 2] for at in range(len(word) - 1)]
    return found
