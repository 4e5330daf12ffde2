"""What the demonstration sets up and says, in each language it can be played in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_DEMO = Path(__file__).with_name("demo")


class Language(StrEnum):
    """A language that the demonstration is played in."""

    EN = "en"
    ZH = "zh"


@dataclass(frozen=True)
class Script:
    """The demonstration in one language: an assistant, what a person may try, and a conversation that is played.

    `folder` holds schema and documents, `schema` is the name the schema is kept under. `correction` is service, slot
    and value of the state, `fact` the entity, slot and value that are taught. `next_steps` has {command} in it.
    `learns`: the play ends with a training, which asks for a model that writes the language.
    """

    folder: Path
    schema: str
    system: str
    heading: str
    introduction: str
    suggestions: tuple[str, ...]
    next_steps: str
    user: str
    feedback: str
    price: str
    light: str
    comment: str
    visit: str
    corrected: str
    correction: tuple[str, str, str]
    booking: tuple[str, ...]
    taught: str
    fact: tuple[str, str, str]
    trial: str
    why: str
    telephone: str
    state: str
    end: str
    learns: bool
    without_learning: str = ""


ENGLISH = Script(
    folder=_DEMO / "en",
    schema="demo-internet",
    system="You are a helpful AI assistant of Fernhill Internet. Answer in one short sentence.",
    heading="Setting up an assistant for an internet provider",
    introduction="An assistant for an internet provider is set up. Try, for example:",
    suggestions=(
        "How much does the Family plan cost?",
        "What does a red light on the router mean?",
        "/revise shorter, and mention the grey cable",
        "/edit A red light means that the cable is loose.",
        "I'd like to book a technician's visit.",
        "/teach Family plan | trial period | two months",
        "How long is the trial period of the Family plan?",
        "/why",
    ),
    next_steps="""\
To make it your own (`{command} up --detach` keeps it running meanwhile):
  {command} init my-shop                          asks what it is for, and writes its files
  {command} knowledge add my-shop/documents       gives it your documents
  {command} evaluate my-shop/questions.jsonl      measures it on your questions""",
    user="user",
    feedback="feedback",
    price="Hello! How much does the Family plan cost?",
    light="What does a red light on the router mean?",
    comment="Use at most 40 words and mention the grey cable.",
    visit="Is a technician's visit on Friday free of charge?",
    corrected="an agent corrects the state",
    correction=("order", "visit_day", "Monday"),
    booking=("What day is the technician's visit?",),
    taught="an agent teaches a fact",
    fact=("Family plan", "trial period", "two months"),
    trial="How long is the trial period of the Family plan?",
    why="why did it say that?",
    telephone="What is the telephone number of the service?",
    state="what has it understood?",
    end="The end",
    learns=True,
)
CHINESE = Script(
    folder=_DEMO / "zh",
    schema="demo-internet-zh",
    system="你是蕨岭宽带的客服助手。请用一句简短的中文回答。",
    heading="正在为一家宽带公司配置客服助手",
    introduction="已经为一家宽带公司配置好客服助手。不妨试试：",
    suggestions=(
        "家庭套餐多少钱一个月？",
        "路由器亮红灯是什么意思？",
        "/revise 短一点，并且提到灰色网线",
        "/edit 亮红灯表示网线松了。",
        "我想预约师傅上门。",
        "/teach 家庭套餐 | 试用期 | 两个月",
        "家庭套餐的试用期是多久？",
        "/why",
    ),
    next_steps="""\
接下来换成您自己的（`{command} up --detach` 让服务在后台一直运行）：
  {command} init my-shop                          问清用途，生成所需文件
  {command} knowledge add my-shop/documents       把您的文档交给它
  {command} evaluate my-shop/questions.jsonl      用您的问题测量它""",
    user="用户",
    feedback="反馈",
    price="你好！家庭套餐多少钱一个月？",
    light="路由器亮红灯是什么意思？",
    comment="不超过60个字，要提到灰色网线",
    visit="周五请师傅上门要收费吗？",
    corrected="客服人员更正对话状态",
    correction=("上门", "上门日期", "周一"),
    booking=("下午三点方便。", "对，没错。"),
    taught="客服人员教它一条事实",
    fact=("家庭套餐", "试用期", "两个月"),
    trial="家庭套餐的试用期是多久？",
    why="它为什么这样回答？",
    telephone="客服电话是多少？",
    state="它记住了什么？",
    end="演示结束",
    learns=False,
    without_learning="演示到此不再训练，因为自带的模型不会写中文；训练一节见英文演示：make run LANG=en",
)
SCRIPTS = {Language.EN: ENGLISH, Language.ZH: CHINESE}
