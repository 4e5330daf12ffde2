"""What Chinese messages to trades of several kinds are read as: faults, models, actions, amounts, refusals, answers.

Each line is a session: `|` parts its messages, each read after the assistant's own question; the values follow `=>`.
"""

import pytest

from services.common.schema import Schema, parse_schema
from services.tracker.domain.leading import Lead, lead
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.state import State

HOTEL = parse_schema(
    """
    services:
      订房:
        description: 预订客房
        intents:
          预订: {description: 客人想订客房, required: [房型, 间数, 入住日期], optional: [早餐]}
        slots:
          房型: {description: 哪种房间, values: [标准间, 大床房, 家庭房]}
          间数: {description: 订几间, kind: number}
          入住日期: {description: 哪天入住, kind: date}
          早餐: {description: 要不要早餐, values: [{value: 是, aliases: [含早餐, 含早]}, {value: 否, aliases: [无早]}]}
      客房维修:
        description: 客房里的设备坏了，请工程部来修
        intents:
          报修设备: {description: 房间设备有问题, required: [设备, 故障, 房号], optional: [时段]}
        slots:
          设备: {description: 哪样设备, values: [空调, 电视, {value: 热水器, aliases: [热水炉]}, 门锁]}
          故障: {description: 出了什么问题}
          房号: {description: 房间编号}
          时段: {description: 什么时段来, values: [上午, 下午, {value: 晚间, aliases: [晚上]}]}
    """
)
BIKES = parse_schema(
    """
    services:
      租车:
        description: 租用自行车
        intents:
          租用: {description: 顾客想租车, required: [车种, 数量, 取车日期]}
        slots:
          车种: {description: 哪种车, values: [山地车, 折叠车, 电动车]}
          数量: {description: 租几辆, kind: number}
          取车日期: {description: 哪天来取, kind: date}
      修车:
        description: 自行车送修
        intents:
          送修: {description: 车有毛病，要修, required: [车种, 毛病, 手机]}
        slots:
          车种: {description: 哪种车, values: [山地车, 折叠车, 电动车]}
          毛病: {description: 车有什么毛病}
          手机: {description: 手机号码}
      购车:
        description: 购买新车
        intents:
          买车: {description: 顾客要买车, required: [型号, 数量, 地址], optional: [旧车抵价]}
        slots:
          型号: {description: 车的型号}
          数量: {description: 买几辆, kind: number}
          地址: {description: 送到哪里}
          旧车抵价:
            description: 是否用旧车抵价
            values: [{value: 是, aliases: [抵价, 抵]}, {value: 否, aliases: [没旧车]}]
    """
)
BANK = parse_schema(
    """
    services:
      开户:
        description: 开立新账户
        intents:
          开新户: {description: 客户想开户, required: [账户, 手机], optional: [网点日期]}
        slots:
          账户: {description: 哪种账户, values: [储蓄账户, 工资账户, 外币账户]}
          手机: {description: 预留手机}
          网点日期: {description: 哪天来网点, kind: date}
      贵金属:
        description: 购买金条和纪念币
        intents:
          购买金条: {description: 客户想买金条, required: [产品, 数量]}
        slots:
          产品: {description: 要买的产品型号}
          数量: {description: 买几根, kind: number}
      机具:
        description: 商户刷卡机具报修
        intents:
          报修机具: {description: 刷卡机出了问题, required: [问题, 机具型号, 电话], optional: [上门日期]}
        slots:
          问题: {description: 出了什么问题}
          机具型号: {description: 机具的型号}
          电话: {description: 联系电话}
          上门日期: {description: 哪天上门, kind: date}
    """
)
SCHOOL = parse_schema(
    """
    services:
      报班:
        description: 报名兴趣班
        intents:
          报名课程: {description: 家长想给孩子报名, required: [课程, 人数], optional: [开课日期, 接送]}
        slots:
          课程: {description: 哪门课, values: [书法, 围棋, {value: 钢琴, aliases: [学琴]}]}
          人数: {description: 报几个孩子, kind: number}
          开课日期: {description: 从哪天开始, kind: date}
          接送:
            description: 要不要接送
            values: [{value: 是, aliases: [要接送, 校车接]}, {value: 否, aliases: [自己接]}]
      退费:
        description: 退学费
        intents:
          申请退费: {description: 家长想退费, required: [原因, 学号]}
        slots:
          原因: {description: 为什么退, values: [{value: 搬家, aliases: [搬走]}, {value: 没时间, aliases: [忙不过来]}]}
          学号: {description: 孩子的学号}
      器材:
        description: 教室器材报修
        intents:
          报修器材: {description: 器材坏了, required: [器材, 故障, 联系电话]}
        slots:
          器材: {description: 什么器材, values: [投影仪, 电子琴, 音箱]}
          故障: {description: 有什么毛病}
          联系电话: {description: 联系电话}
    """
)
SCHEMAS = {"hotel": HOTEL, "bikes": BIKES, "bank": BANK, "school": SCHOOL}


def told(schema: Schema, *texts: str) -> dict[str, str]:
    state, step = State(), None
    for number, text in enumerate(texts, 1):
        before, asked = state, step
        state = RuleTracker().track(schema, before, asked.text if isinstance(asked, Lead) else "", text, number)
        step = lead(schema, before, state, asked, text)
    intents = {service: held.intent for service, held in state.services.items() if held.intent}
    return {f"{service}.{slot}": value.value for service, slot, value in state.filled() if service in intents}


FAULTS = """
hotel: 空调不制热了 => 客房维修.设备 空调, 客房维修.故障 不制热
hotel: 热水器一直滴水，麻烦来人修一下 => 客房维修.设备 热水器, 客房维修.故障 一直滴水
hotel: 你好，电视坏了 => 客房维修.设备 电视
hotel: 门锁打不开了怎么办 => 客房维修.设备 门锁, 客房维修.故障 打不开
hotel: 空调的遥控器没反应 => 客房维修.设备 空调, 客房维修.故障 遥控器没反应
hotel: 空调声音特别吵 => 客房维修.设备 空调, 客房维修.故障 声音特别吵
hotel: 要修电视 | 开不了机 => 客房维修.设备 电视, 客房维修.故障 开不了机
bikes: 山地车链条老是掉，想修一下 => 修车.车种 山地车, 修车.毛病 链条老是掉
bikes: 电动车充不上电了 => 修车.车种 电动车, 修车.毛病 充不上电
bikes: 折叠车有点毛病，要修 | 刹车响得厉害 => 修车.车种 折叠车, 修车.毛病 刹车响得厉害
bank: 刷卡机打不出小票了 => 机具.问题 打不出小票
bank: 刷卡机坏了要报修 | 屏幕黑屏 => 机具.问题 屏幕黑屏
school: 投影仪不亮了 => 器材.器材 投影仪, 器材.故障 不亮
school: 电子琴有三个键没声音 => 器材.器材 电子琴, 器材.故障 有三个键没声音
school: 音箱报修 | 师傅周末也来吗？ | 还是响个不停 => 器材.器材 音箱, 器材.故障 还是响个不停
"""
MODELS = """
bikes: 我想买飞岭 M200 => 购车.型号 飞岭 M200
bikes: 买辆车，青骓 T5 Pro => 购车.型号 青骓 T5 Pro
bikes: 想买飞岭 M200 | 还是换青骓 T9 吧 => 购车.型号 青骓 T9
bikes: 要买车 | 云雀K7 => 购车.型号 云雀K7
bank: 刷卡机卡纸了 | 型号是商通 P90 => 机具.问题 卡纸, 机具.机具型号 商通 P90
bank: 刷卡机卡纸了 | P90 => 机具.问题 卡纸, 机具.机具型号 P90
bank: 刷卡机没反应 | 商通 P90 那款 | 13900001111 => 机具.问题 没反应, 机具.机具型号 商通 P90, 机具.电话 13900001111
bank: 想买福禄 G50 => 贵金属.产品 福禄 G50
"""
ACTIONS = """
bikes: 想租两辆山地车 => 租车.车种 山地车, 租车.数量 两
bikes: 山地车要修 => 修车.车种 山地车
bikes: 我刚买的折叠车刹不住了 => 修车.车种 折叠车, 修车.毛病 刹不住
bikes: 飞岭 M200 来 2 辆，旧车拿来抵 => 购车.型号 飞岭 M200, 购车.数量 2, 购车.旧车抵价 是
bikes: 租电动车 | 1 辆就够了 => 租车.车种 电动车, 租车.数量 1
bikes: 山地车送修 | 脚踏板断了 | 另外再买辆飞岭 M200 => 修车.车种 山地车, 修车.毛病 脚踏板断了, 购车.型号 飞岭 M200
hotel: 给我订两间大床房 => 订房.房型 大床房, 订房.间数 两
hotel: 电视没信号 | 再订一间家庭房 | 1 间 => 客房维修.设备 电视, 客房维修.故障 没信号, 订房.房型 家庭房, 订房.间数 1
bank: 我要开户 | 外币账户 => 开户.账户 外币账户
school: 给孩子报名围棋 => 报班.课程 围棋
school: 书法课我想退 | 要搬走了 => 退费.原因 搬家
"""
REFUSALS = """
bikes: 买飞岭 M200，旧车抵 | 算了不抵价了 => 购车.型号 飞岭 M200, 购车.旧车抵价 否
hotel: 订大床房，含早餐 | 不含早了 => 订房.房型 大床房, 订房.早餐 否
hotel: 来人修空调 | 弄错了，空调没事，是电视 => 客房维修.设备 电视
school: 投影仪要修 | 投影仪没坏，是音箱 => 器材.器材 音箱
hotel: 订标准间 | 两间 | 7 月 3 日 | 改到 7 月 8 日 => 订房.房型 标准间, 订房.间数 两, 订房.入住日期 7 月 8 日
hotel: 电视没声音 | 那换一天吧 => 客房维修.设备 电视, 客房维修.故障 没声音
bikes: 租山地车 | 三辆 | 改成四辆 => 租车.车种 山地车, 租车.数量 四
"""
ANSWERS = """
bikes: 电动车要修 | 能先付一半不 => 修车.车种 电动车
bikes: 电动车要修 | 今天能修好吗 => 修车.车种 电动车
bikes: 电动车要修 | 你们几点关门 => 修车.车种 电动车
bikes: 电动车要修 | 两辆够了 => 修车.车种 电动车
bikes: 买飞岭 M200 | 2 辆 | 送安平市柳树街 66 号 => 购车.型号 飞岭 M200, 购车.数量 2, 购车.地址 安平市柳树街 66 号
bikes: 租山地车，送到长河路 12 号 => 租车.车种 山地车
bank: 刷卡机死机 | 商通 P90 | A9 => 机具.问题 死机, 机具.机具型号 商通 P90
hotel: 订标准间，两间 | 8 号入住 => 订房.房型 标准间, 订房.间数 两, 订房.入住日期 8 号
"""
MIXED = """
hotel: 房间里的热水器没热水 => 客房维修.设备 热水器, 客房维修.故障 没热水
hotel: 电视老是自己关机 | 806 房 => 客房维修.设备 电视, 客房维修.故障 老是自己关机, 客房维修.房号 806 房
hotel: 门锁刷卡没反应，进不去 => 客房维修.设备 门锁, 客房维修.故障 刷卡没反应
hotel: 空调漏水了，来个人看下 => 客房维修.设备 空调, 客房维修.故障 漏水
hotel: 我们想订三间标准间，8 月 2 日住 => 订房.房型 标准间, 订房.间数 三, 订房.入住日期 8 月 2 日
hotel: 订家庭房，要含早餐 | 一间 | 早餐不用含早了 => 订房.房型 家庭房, 订房.早餐 否, 订房.间数 一
hotel: 帮我修下空调 | 你们修要钱吗 | 吹出来的是热风 => 客房维修.设备 空调, 客房维修.故障 吹出来的是热风
hotel: 电视花屏 | 说错了，电视没事，是热水器 => 客房维修.设备 热水器, 客房维修.故障 花屏
bikes: 买两辆飞岭 M200 Pro => 购车.型号 飞岭 M200 Pro, 购车.数量 两
bikes: 折叠车骑起来一直咯吱响，修一下多少钱 => 修车.车种 折叠车, 修车.毛病 骑起来一直咯吱响
bikes: 山地车轮胎没气了，帮我修修 => 修车.车种 山地车, 修车.毛病 轮胎没气
bikes: 想租电动车 | 要两辆吧 | 10 号取 => 租车.车种 电动车, 租车.数量 两, 租车.取车日期 10 号
bikes: 租折叠车 | 1 辆 | 那天不行，推到 5 月 6 日 => 租车.车种 折叠车, 租车.数量 1, 租车.取车日期 5 月 6 日
bikes: 要一辆青骓 T5，没旧车 | 换成青骓 T6 => 购车.型号 青骓 T6, 购车.数量 一, 购车.旧车抵价 否
bikes: 电动车坏了 | 电池鼓包 | 13812345678 => 修车.车种 电动车, 修车.毛病 电池鼓包, 修车.手机 13812345678
bank: 我们店的刷卡机连不上网络 => 机具.问题 连不上网络
bank: 刷卡机要报修 | 机器是汇联 N5 | 总是重启 => 机具.机具型号 汇联 N5, 机具.问题 总是重启
bank: 来 3 根福禄 G50 => 贵金属.产品 福禄 G50, 贵金属.数量 3
bank: 想开个工资账户 | 手机 13700002222 | 12 号去 => 开户.账户 工资账户, 开户.手机 13700002222, 开户.网点日期 12 号
bank: 想买福禄 G50 | 两根就行 | 改成五根 => 贵金属.产品 福禄 G50, 贵金属.数量 五
school: 想让孩子学琴 => 报班.课程 钢琴
school: 报书法，校车接 | 不要校车接了 => 报班.课程 书法, 报班.接送 否
school: 教室投影仪颜色发黄，要报修 => 器材.器材 投影仪, 器材.故障 颜色发黄
school: 投影仪画面模糊 => 器材.器材 投影仪, 器材.故障 画面模糊
school: 音箱坏了 | 有杂音 | 13600003333 => 器材.器材 音箱, 器材.故障 有杂音, 器材.联系电话 13600003333
school: 电子琴修一下 | 电子琴没坏，是投影仪 | 开不了机 => 器材.器材 投影仪, 器材.故障 开不了机
school: 我要退费 | 最近忙不过来 => 退费.原因 没时间
school: 围棋报两个孩子 => 报班.课程 围棋, 报班.人数 两
hotel: 电视遥控器失灵了 => 客房维修.设备 电视, 客房维修.故障 遥控器失灵
hotel: 淋浴热水器忽冷忽热 | 1208 => 客房维修.设备 热水器, 客房维修.故障 忽冷忽热, 客房维修.房号 1208
hotel: 想订大床房 | 就一间 | 本月 20 号 | 推到 22 号吧 => 订房.房型 大床房, 订房.间数 一, 订房.入住日期 22 号
hotel: 修门锁 | 师傅要多久到 | 卡刷了没反应 => 客房维修.设备 门锁, 客房维修.故障 卡刷了没反应
bikes: 店里那台山地车变速不灵了，送过来修 => 修车.车种 山地车, 修车.毛病 变速不灵
bikes: 我要买车 | 山猫 X8 | 一辆 | 送到松林路 45 号 => 购车.型号 山猫 X8, 购车.数量 一, 购车.地址 松林路 45 号
bikes: 电动车骑着骑着就断电 | 15911112222 => 修车.车种 电动车, 修车.毛病 骑着骑着就断电, 修车.手机 15911112222
bank: 麻烦来修刷卡机 | 一插卡就死机 | 安付 Q7 Pro => 机具.问题 一插卡就死机, 机具.机具型号 安付 Q7 Pro
bank: 我想办储蓄账户 => 开户.账户 储蓄账户
bank: 金条想要瑞安 S20 | 四根 => 贵金属.产品 瑞安 S20, 贵金属.数量 四
school: 音箱没声了 => 器材.器材 音箱, 器材.故障 没声
school: 我想给孩子退费 | 搬家了 => 退费.原因 搬家
bikes: 买山猫 X8 | 一辆 | 从梧桐路 31 号来取 => 购车.型号 山猫 X8, 购车.数量 一, 购车.地址 梧桐路 31 号
hotel: 电视屏幕一跳一跳的 => 客房维修.设备 电视, 客房维修.故障 屏幕一跳一跳的
hotel: 空调指示灯一闪一闪 => 客房维修.设备 空调, 客房维修.故障 指示灯一闪一闪
school: 报围棋，不要接送，棋盘什么的我家有 => 报班.课程 围棋, 报班.接送 否
school: 投影仪偏色 => 器材.器材 投影仪, 器材.故障 偏色
school: 电子琴要修 | 可以上门吗 | 有几个键按下去弹不起来 => 器材.器材 电子琴, 器材.故障 有几个键按下去弹不起来
"""


@pytest.mark.parametrize(
    "line",
    [line for block in (FAULTS, MODELS, ACTIONS, REFUSALS, ANSWERS, MIXED) for line in block.strip().splitlines()],
)
def test_a_message_of_another_trade_is_read_as_it_is_meant(line: str) -> None:
    session, _, wanted = line.partition(" => ")
    trade, _, texts = session.partition(": ")
    values = dict(pair.split(" ", 1) for pair in wanted.split(", "))
    assert told(SCHEMAS[trade], *texts.split(" | ")) == values
