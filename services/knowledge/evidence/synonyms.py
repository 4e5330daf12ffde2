"""Words that stand for one another where a customer asks and a document answers, and words that were mistyped."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from services.knowledge.domain.text import terms

_GROUPS = """
price cost fee charge rate tariff pay expensive cheap
open opening hours close closing shut closed
phone telephone number call ring hotline
cancel cancellation withdraw terminate quit end
refund reimburse reimbursement repay
change move shift rebook reschedule switch postpone
child children kid kids toddler little baby
dog pet animal cat
bike bicycle cycle ebike
shop store branch outlet
mobile smartphone cellphone handset phone
lead head run manage manager director boss chief charge
wipe reset erase factory
bill invoice billing
parcel package delivery shipping ship send sent deliver post postage dispatch
warranty guarantee guaranteed
broken damaged faulty defect defective break damage fault
start begin commence
finish end last
allow allowed permit permitted may welcome
technician engineer repairman fitter
minimum least smallest
maximum most limit longest highest
car vehicle
fast quick speed rapid
big large size area spacious
heavy weight weigh
old age aged years
discount rebate reduction off cheaper saving
deposit bond security
term contract period duration commitment
notice deadline advance ahead
lose lost loss misplace missing
stolen theft steal nick nicked
breakfast brekkie
luggage baggage suitcase bag
room bedroom
double dbl
reception desk front
parking park garage lot
wifi internet wlan wireless online
email mail e-mail
address street located location where
elderly senior seniors pensioner retired gran grandmother grandma
student university college
assembly assemble install installation setup fit
repair fix mend
buy purchase order
book booking reserve reservation
appointment visit slot
ticket admission entry entrance
course class lesson
teacher instructor trainer tutor
doctor physician vet
rent hire rental lend borrow loan
return bring send
exchange swap replace replacement
late overdue delay delayed
early premature
proof document papers id identification passport
card visa mastercard credit
cash money
voucher gift present
smoke smoking cigarette
hot warm heated temperature degrees
cold cool
deep depth
water
swim pool basin
food meal eat dinner lunch menu
drink beverage
night overnight midnight
weekday monday friday week
weekend saturday sunday
holiday vacation
wheelchair accessible step barrier lift elevator
insurance cover policy insured
claim compensation compensate reimburse
excess deductible
colour color
material made fabric
wash clean cleaning laundry
arrive arrival checkin
leave depart departure checkout
key keycard
free gratis complimentary included
upload download
light lamp led
blink blinking flash flashing glow
address residence home house
abroad foreign overseas roaming
private personal
reminder dunning
"""
_CHINESE_GROUPS = """
价格 价钱 标价 单价 售价 报价 价位 定价 收费 费用 资费
电话 热线 专线 号码 拨打 致电
地址 位置 地点 住址
开门 营业 开放 开店
关门 打烊 闭店 营业
上班 工作 办公
退货 退掉 退换 退回 退
退款 退钱 退费 返还 退还
取消 撤销 退订 解约 终止 解除
保修 质保 包修 三包 保固
送货 配送 派送 送达 运送 发货 寄送 快递 送到
运费 邮费 邮资
安装 装机 装好 装上
维修 修理 报修 检修 修好 返修
故障 毛病 问题 异常 坏了
损坏 破损 坏掉 摔坏 划痕
更换 换货 换新 调换 更新
购买 下单 订购 购置 采购 选购 买
发票 开票 票据 收据
优惠 折扣 打折 减免 便宜 满减
预约 预订 预定 约
小孩 儿童 孩子 宝宝 婴儿 幼儿
老人 长者 老年 高龄
宠物 狗 猫 动物
停车 车位 泊车 停放
网络 上网 联网 断网 无线
密码 口令
账号 账户 帐号 帐户 登录 登陆
软件 系统 程序 客户 应用
升级 更新 新版 版本
备份 还原 恢复
导出 导入 迁移 搬
用户 人数 账号 坐席
负责 主管 经理 归谁 管理 领导
培训 课程 上课 讲课 学习
老师 讲师 教员
合同 协议 签约 条款
押金 保证 定金
付款 支付 交钱 付钱 缴费 结账 付清 打款
现金 刷卡 付现
最多 上限 最高 超过 限额 封顶
最少 至少 最低 不低 起步
期限 时限 时间 有效 周期
过期 失效 到期 清零 作废
截止 结束 终止 到期 最晚
开始 起 生效 启用
免费 赠送 白送 不收 免
加急 紧急 尽快
晚上 夜间 晚间 夜里
周末 周六 周日 双休
节假 放假 国庆 春节 法定 假期
材料 证件 文件 手续 资料 证明
尺寸 大小 面积 规格
重量 多重 公斤
功率 瓦
省电 耗电 用电 能效 电费
噪音 声音 吵 分贝
续航 充电 电池
丢失 丢 遗失 弄丢
赔偿 赔付 赔 补偿
投诉 意见 反馈
客服 人工 咨询
清洁 清洗 打扫 洗
单位 公司 企业 团体
提前 预先 事先
转让 转送 过户 转给
学生 校园 高校
外地 外省 省外 异地
郊区 乡镇 县城 农村
退出 离开 注销
限制 限额 上限
电脑 机器 设备 终端
人 名 位
"""
_OF: dict[str, set[int]] = {}
for _number, _line in enumerate(_GROUPS.strip().splitlines()):
    for _stem in terms(_line):
        _OF.setdefault(_stem, set()).add(_number)
for _number, _line in enumerate(_CHINESE_GROUPS.strip().splitlines(), len(_GROUPS)):
    for _word in _line.split():
        _OF.setdefault(_word, set()).add(_number)


@lru_cache(maxsize=4096)
def alike(stem: str) -> frozenset[str]:
    """The other stems that may stand for this one."""
    groups = _OF.get(stem)
    return frozenset(other for other, own in _OF.items() if other != stem and own & groups) if groups else frozenset()


def meant(stem: str, known: Iterable[str]) -> str:
    """The known stem of which this one is a slip of the hand (a letter too many, too few, another, or two swapped); the
    stem itself where there is none."""
    if len(stem) < 5 or not stem.isalpha() or not stem.isascii():
        return stem
    return next((other for other in sorted(known) if abs(len(other) - len(stem)) <= 1 and _slipped(stem, other)), stem)


def _slipped(one: str, other: str) -> bool:
    if len(other) < 4 or one[0] != other[0]:
        return False
    at = next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    rest, others = one[at:], other[at:]
    return (
        rest[1:] == others[1:]
        or rest[1:] == others
        or rest == others[1:]
        or (rest[:2] == others[1::-1] and rest[2:] == others[2:])
    )
